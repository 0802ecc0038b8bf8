#include "serve/control_lines.h"

#include <array>
#include <charconv>

#include "base/text.h"
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

// A finding with a line end in it could pass for another line.
std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

// Takes the word up to the next blank, and the blank.
std::string_view take_word(std::string_view& line) {
  const auto blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  line = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  return word;
}

template <class Number>
bool take_number(std::string_view& line, Number& number) {
  const std::string_view word = take_word(line);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
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

std::string summary_line(const space::SpaceSummary& space) {
  std::string out = space.guid.text();
  for (const std::int64_t time : {space.created.time_since_epoch().count(), space.expires.time_since_epoch().count()})
    out += ' ' + std::to_string(time);
  for (const std::uint64_t number : {static_cast<std::uint64_t>(space.phase), space.files, space.bytes, space.uploads})
    out += ' ' + std::to_string(number);
  return out + ' ' + percent_encode_segment(space.label) + '\n';
}

std::optional<space::SpaceSummary> read_summary(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  space::SpaceSummary out;
  const auto guid = Guid::parse(take_word(line));
  Millis::rep created = 0, expires = 0;
  unsigned phase = 0;
  if (!guid || !take_number(line, created) || !take_number(line, expires) || !take_number(line, phase) ||
      phase > static_cast<unsigned>(space::Phase::blocked) || !take_number(line, out.files) ||
      !take_number(line, out.bytes) || !take_number(line, out.uploads) || !percent_decode(line, out.label))
    return std::nullopt;
  out.guid = *guid;
  out.created = WallTime(Millis(created));
  out.expires = WallTime(Millis(expires));
  out.phase = static_cast<space::Phase>(phase);
  return out;
}

}  // namespace qrx::serve
