#include "serve/operations/check_run.h"

#include <array>

#include "wire/tus.h"

namespace qrx::serve {
namespace {

template <std::size_t N>
std::string numbers(const std::array<std::uint64_t, N>& values) {
  std::string out;
  for (const std::uint64_t value : values) out += (out.empty() ? "" : " ") + std::to_string(value);
  return out;
}

template <std::size_t N>
std::optional<std::array<std::uint64_t, N>> read_numbers(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::array<std::uint64_t, N> out;
  for (std::size_t i = 0; i < N; ++i) {
    const auto blank = text.find(' ');
    if ((blank == std::string_view::npos) != (i + 1 == N)) return std::nullopt;
    const auto number = wire::parse_number(text.substr(0, blank));
    if (!number) return std::nullopt;
    out[i] = *number;
    if (blank != std::string_view::npos) text.remove_prefix(blank + 1);
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

}  // namespace

std::string finding_line(std::string_view finding) {
  return "! " + one_line(finding) + '\n';
}

std::string result_line(const Result<space::Spaces::Checked>& result) {
  if (!result) return "? " + one_line(result.error().what) + '\n';
  return "= " + numbers<5>({result->files, result->bytes, result->missing, result->corrupt, result->orphans}) + '\n';
}

std::optional<std::string_view> read_finding(std::string_view line) {
  if (!line.starts_with("! ")) return std::nullopt;
  return line.substr(2);
}

std::optional<Result<space::Spaces::Checked>> read_result(std::string_view line) {
  if (line.starts_with("? ")) return Result<space::Spaces::Checked>(fail(Kind::other, std::string(line.substr(2))));
  if (!line.starts_with("= ")) return std::nullopt;
  const auto values = read_numbers<5>(line.substr(2));
  if (!values) return std::nullopt;
  const auto& [files, bytes, missing, corrupt, orphans] = *values;
  return Result<space::Spaces::Checked>(space::Spaces::Checked{files, bytes, missing, corrupt, orphans});
}

std::string swept_lines(const space::Spaces::Swept& swept) {
  std::string out = numbers<3>({swept.spaces, swept.uploads, swept.bytes}) + '\n';
  for (const std::string& failure : swept.failures) out += finding_line(failure);
  return out;
}

std::optional<space::Spaces::Swept> read_swept(std::string_view lines) {
  const auto next = [&] {
    const auto end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    return line;
  };
  const auto values = read_numbers<3>(next());
  if (!values) return std::nullopt;
  space::Spaces::Swept swept{(*values)[0], (*values)[1], (*values)[2]};
  while (!lines.empty()) {
    const auto failure = read_finding(next());
    if (!failure) return std::nullopt;
    swept.failures.emplace_back(*failure);
  }
  return swept;
}

}  // namespace qrx::serve
