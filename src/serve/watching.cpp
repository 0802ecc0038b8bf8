#include "serve/watching.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "serve/answers.h"
#include "space/page_start.h"
#include "wire/tus.h"

namespace qrx::serve {
namespace {

// Proxies give up an answer that does not begin after a minute, mostly (nginx: proxy_read_timeout 60s).
constexpr std::uint64_t most_wait = 60;
constexpr Millis longest_doubt{1000};

// "a=1" off the front of "a=1&b=2".
std::pair<std::string_view, std::string_view> take_pair(std::string_view& query) {
  const std::string_view pair = query.substr(0, query.find('&'));
  query.remove_prefix(std::min(query.size(), pair.size() + 1));
  const std::string_view name = pair.substr(0, pair.find('='));
  return {name, pair.substr(std::min(pair.size(), name.size() + 1))};
}

}  // namespace

Result<Watch> watch_of(const Call& call) {
  Watch watch;
  bool waits = false;
  for (std::string_view query = call.request->query; !query.empty();) {
    const auto [name, value] = take_pair(query);
    const auto number = wire::parse_number(value);
    if (name == "after") {
      if (!number || watch.after) return fail(Kind::usage, "after is not a whole number");
      watch.after = *number;
    } else if (name == "wait") {
      if (!number || waits || *number > most_wait)
        return fail(Kind::usage, "wait is not a number of seconds from 0 to 60");
      watch.wait = Seconds(*number);
      waits = true;
    }
  }
  return watch;
}

std::string_view from_of(const Call& call) {
  for (std::string_view query = call.request->query; !query.empty();)
    if (const auto [name, value] = take_pair(query); name == "from") return value;
  return {};
}

Result<space::PageStart> page_asked_for(const Call& call) {
  const std::string_view from = from_of(call);
  if (from.empty()) return space::PageStart{};
  const auto start = space::page_start_from_text(from);
  return start ? Result<space::PageStart>(*start) : fail(Kind::usage, "from is not what next said");
}

front::Reply watch_space(const SharedCall& call,
                         std::function<http::Answer(const Call& call, const std::string& token)> show) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  space::Spaces& spaces = call->site.spaces;
  const Guid& guid = call->target.guid;
  const auto state = spaces.owned(guid, *token);
  if (!state) return call->problem(state.error());
  const auto watch = watch_of(*call);
  if (!watch) return call->problem(watch.error());
  // Another seq than the one known, not a greater one: after a restore from a backup it may be less.
  if (!watch->after || watch->wait.count() == 0 || spaces.seq(guid) != watch->after) return show(*call, *token);

  // A space that expires is not noticed by anyone before the sweeper comes: the wait ends with it.
  const auto left = std::max(Millis(0), state->expires - call->site.clock.wall());
  front::Wait wait;
  wait.topic = guid;
  wait.until = call->site.clock.steady() + std::min<Millis>(watch->wait, left + Millis(1));
  wait.poll = [call, token = *token, after = *watch->after,
               show = std::move(show)](bool time_over) -> std::optional<front::Reply> {
    const auto seq = call->site.spaces.seq(call->target.guid);
    if (!time_over && seq == after) return std::nullopt;
    // The token is asked again: it may have lost its right in the meantime.
    const auto still = call->site.spaces.owned(call->target.guid, token);
    if (!still) return call->problem(still.error());
    return show(*call, token);
  };
  return wait;
}

front::Reply after_doubt(const SharedCall& call, const Guid& space, std::function<bool()> in_doubt,
                         std::function<front::Reply()> go_on) {
  if (!in_doubt()) return go_on();
  front::Wait wait;
  wait.topic = space;
  wait.until = call->site.clock.steady() + longest_doubt;
  wait.poll = [call, in_doubt = std::move(in_doubt),
               go_on = std::move(go_on)](bool time_over) -> std::optional<front::Reply> {
    if (!time_over && in_doubt()) return std::nullopt;
    return go_on();
  };
  return wait;
}

}  // namespace qrx::serve
