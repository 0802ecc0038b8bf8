#include "serve/operations/operate.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

#include "serve/control_lines.h"
#include "serve/operations/control.h"
#include "wire/resource.h"

namespace qrx::serve {
namespace {

constexpr std::size_t page_spaces = 500;

Error cannot(int status, const std::string& doing) {
  if (status == 404) return {Kind::not_found, "cannot " + doing + ": there is no such space", {}};
  return {Kind::unavailable, "cannot " + doing + ": the running server answered " + std::to_string(status), {}};
}

// The server asked; nothing when none answers there. It comes first, for it has the lock and knows what is in memory:
// only when none answers is the data opened here.
std::optional<Result<std::string>> ask_server(const DataOptions& options, const std::string& method,
                                              const std::string& target, const std::string& doing) {
  auto server = ControlClient::of(options.directory);
  if (!server) return std::nullopt;
  const auto answered = server->request(method, target);
  if (!answered) return std::nullopt;
  if (answered->status >= 300) return Result<std::string>(tl::unexpected(cannot(answered->status, doing)));
  return Result<std::string>(answered->body);
}

Result<std::unique_ptr<Data>> take_recovered(const DataOptions& options) {
  auto data = Data::take(options);
  if (!data) return data;
  // As a start of the server would: what a killed process left behind is put right first.
  if (const auto recovered = (*data)->spaces().recover(); !recovered) return tl::unexpected(recovered.error());
  return data;
}

Result<void> change(const DataOptions& options, const std::string& method, const Guid& guid, const std::string& doing,
                    const std::function<Result<void>(space::Spaces&)>& work) {
  const auto target = wire::path_of({.resource = wire::Resource::control_space, .guid = guid});
  if (const auto answered = ask_server(options, method, target, doing))
    return *answered ? Result<void>() : tl::unexpected(answered->error());
  const auto data = take_recovered(options);
  if (!data) return tl::unexpected(data.error());
  auto done = work((*data)->spaces());
  if (!done && done.error().kind == Kind::not_found) return tl::unexpected(cannot(404, doing));
  return done;
}

// What a running server answered instead: a line with the reason, and one with a hint.
Error refusal(int status, std::string_view text) {
  if (status == 423) return {Kind::locked, "a check is running already", {}};
  const auto end = text.find('\n');
  const std::string_view reason = text.substr(0, end);
  std::string_view hint = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  hint = hint.substr(0, hint.find('\n'));
  const Kind kind = status == 503 ? Kind::unavailable : status == 507 ? Kind::no_room : Kind::other;
  if (reason.empty()) return {kind, "the running server answered " + std::to_string(status), {}};
  return {kind, std::string(reason), std::string(hint)};
}

}  // namespace

Result<space::Spaces::Swept> sweep_data(const DataOptions& options) {
  if (auto server = ControlClient::of(options.directory)) {
    const auto target = wire::path_of({.resource = wire::Resource::control_sweep});
    if (const auto answered = server->request("POST", target, true)) {
      if (answered->status != 200) return tl::unexpected(refusal(answered->status, answered->body));
      const auto swept = read_swept(answered->body);
      if (!swept) return fail(Kind::other, "the running server answered something else");
      return *swept;
    }
  }
  const auto data = take_recovered(options);
  if (!data) return tl::unexpected(data.error());
  return (*data)->spaces().sweep();
}

Result<space::Spaces::Checked> check_data(const DataOptions& options,
                                          const std::function<void(const std::string&)>& tell) {
  if (auto server = ControlClient::of(options.directory)) {
    Result<space::Spaces::Checked> result;
    const auto told = server->request_lines("POST", wire::path_of({.resource = wire::Resource::control_check}),
                                            [&](std::string_view line) {
                                              if (const auto finding = read_finding(line)) tell(std::string(*finding));
                                              const auto last = read_result(line);
                                              if (last) result = *last;
                                              return last.has_value();
                                            });
    if (told && told->status != 200) return tl::unexpected(refusal(told->status, {}));
    if (told) return told->done ? std::move(result) : tl::unexpected(told->done.error());
  }
  const auto data = Data::take(options);
  if (!data) return tl::unexpected(data.error());
  return (*data)->spaces().check(tell);
}

Result<void> list_spaces(const DataOptions& options, const std::function<void(const space::SpaceSummary&)>& tell) {
  const std::string path = wire::path_of({.resource = wire::Resource::control_spaces});
  // Page by page, each behind the last guid of the one before; the server has no state of a listing.
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
  const auto data = take_recovered(options);
  if (!data) return tl::unexpected(data.error());
  for (Guid last;;) {
    const auto page = (*data)->spaces().list(last, page_spaces);
    if (!page) return tl::unexpected(page.error());
    if (page->empty()) return {};
    for (const space::SpaceSummary& space : *page) tell(space);
    last = page->back().guid;
  }
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
