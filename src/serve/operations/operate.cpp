#include "serve/operations/operate.h"

#include <charconv>
#include <memory>

#include "base/text.h"
#include "serve/operations/control.h"
#include "wire/resource.h"

namespace qrx::serve {
namespace {

constexpr std::size_t page_spaces = 500;

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

Error refusal(int status, const std::string& doing) {
  if (status == 404) return {Kind::not_found, "cannot " + doing + ": there is no such space", {}};
  return {Kind::unavailable, "cannot " + doing + ": the running server answered " + std::to_string(status), {}};
}

// The server asked; nothing when none answers there.
std::optional<Result<std::string>> ask_server(const DataOptions& options, const std::string& method,
                                              const std::string& target, const std::string& doing) {
  auto asked = ControlClient::of(options.directory);
  if (!asked) return std::nullopt;
  const auto answered = asked->request(method, target);
  if (!answered) return std::nullopt;
  if (answered->status >= 300) return Result<std::string>(tl::unexpected(refusal(answered->status, doing)));
  return Result<std::string>(answered->body);
}

Result<void> change(const DataOptions& options, const std::string& method, const Guid& guid, const std::string& doing,
                    const std::function<Result<void>(space::Spaces&)>& work) {
  const auto target = wire::path_of({.resource = wire::Resource::control_space, .guid = guid});
  if (const auto answered = ask_server(options, method, target, doing))
    return *answered ? Result<void>() : tl::unexpected(answered->error());
  auto done = with_data(options, work);
  if (!done && done.error().kind == Kind::not_found) return tl::unexpected(refusal(404, doing));
  return done;
}

}  // namespace

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

Result<void> list_spaces(const DataOptions& options, const std::function<void(const space::SpaceSummary&)>& tell) {
  const std::string path = wire::path_of({.resource = wire::Resource::control_spaces});
  for (std::optional<Guid> last;;) {
    const auto answered =
        ask_server(options, "GET", path + (last ? "?from=" + last->text() : std::string()), "list the spaces");
    if (!answered) break;
    if (!*answered) return tl::unexpected(answered->error());
    std::size_t count = 0;
    for (std::string_view left = **answered; !left.empty(); ++count) {
      const auto end = std::min(left.find('\n'), left.size() - 1) + 1;
      const auto space = read_summary(left.substr(0, end));
      if (!space) return fail(Kind::other, "the running server answered something else");
      left.remove_prefix(end);
      tell(*space);
      last = space->guid;
    }
    if (count == 0) return {};
  }
  return with_data(options, [&](space::Spaces& spaces) -> Result<void> {
    for (Guid last;;) {
      const auto page = spaces.list(last, page_spaces);
      if (!page) return tl::unexpected(page.error());
      if (page->empty()) return {};
      for (const space::SpaceSummary& space : *page) tell(space);
      last = page->back().guid;
    }
  });
}

Result<void> block_space(const DataOptions& options, const Guid& guid) {
  return change(options, "PATCH", guid, "block " + guid.text(),
                [&guid](space::Spaces& spaces) { return spaces.block(guid); });
}

Result<void> delete_space(const DataOptions& options, const Guid& guid) {
  return change(options, "DELETE", guid, "delete " + guid.text(),
                [&guid](space::Spaces& spaces) { return spaces.remove_by_operator(guid); });
}

}  // namespace qrx::serve
