#include "serve/watching.h"

#include <algorithm>
#include <string_view>

#include "serve/answers.h"
#include "space/page_start.h"
#include "wire/tus.h"

namespace qrx::serve {
namespace {

// Proxies give up an answer that does not begin after a minute, mostly (nginx: proxy_read_timeout 60s).
constexpr std::uint64_t most_wait = 60;
constexpr Millis longest_doubt{1000};

}  // namespace

Result<Watch> watch_of(const Call& call) {
  Watch watch;
  const auto after = call.parameter("after");
  const auto wait = call.parameter("wait");
  if (!after || !wait) return tl::unexpected(after ? wait.error() : after.error());
  if (*after && !(watch.after = wire::parse_number(**after))) return fail(Kind::usage, "after is not a whole number");
  if (*wait) {
    const auto seconds = wire::parse_number(**wait);
    if (!seconds || *seconds > most_wait) return fail(Kind::usage, "wait is not a number of seconds from 0 to 60");
    watch.wait = Seconds(*seconds);
  }
  return watch;
}

Result<std::string_view> from_of(const Call& call) {
  return call.parameter("from").map([](const auto& value) { return value.value_or(std::string_view()); });
}

Result<space::PageStart> page_asked_for(const Call& call) {
  const auto from = from_of(call);
  if (!from) return tl::unexpected(from.error());
  if (from->empty()) return space::PageStart{};
  const auto start = space::page_start_from_text(*from);
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
