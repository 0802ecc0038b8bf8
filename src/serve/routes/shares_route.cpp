#include "serve/routes/shares_route.h"

#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/watching.h"
#include "wire/limits.h"
#include "wire/link.h"
#include "wire/share_messages.h"
#include "wire/tus.h"

namespace qrx::serve {
namespace {

constexpr std::size_t many_recipients = 200;  // the rows of more take longer than others may wait

// The rules know the token of a link, and only here is known where it leads.
wire::ShareInfo info_of(const Site& site, space::ShareView share) {
  return {share.share,
          std::move(share.to),
          wire::ShareLink{site.base(), std::move(share.token), {}}.text(),
          share.state,
          std::move(share.reason),
          std::move(share.history),
          share.downloads,
          share.limit,
          share.expires,
          share.fetching};
}

wire::Shares message_of(const Site& site, space::ShareList list) {
  wire::Shares out{list.seq, {}, std::move(list.next)};
  for (space::ShareView& share : list.shares) out.shares.push_back(info_of(site, std::move(share)));
  return out;
}

http::Answer show_list(const Call& call, const std::string& token) {
  const auto from = from_of(call);
  if (!from) return call.problem(from.error());
  const auto start = from->empty() ? std::optional<std::uint64_t>(0) : wire::parse_number(*from);
  if (!start) return call.problem(400, "from is not what next said");
  auto shares = call.site.shares.list(call.target.guid, token, *start);
  if (!shares) return call.problem(shares.error());
  return json_answer(200, wire::to_json(message_of(call.site, std::move(*shares))));
}

http::Answer create(const Call& call, const std::string& token, const wire::CreateShares& wish) {
  auto created = call.site.shares.create(call.target.guid, token, wish);
  if (!created) return call.problem(created.error());
  return json_answer(created->made ? 201 : 200, wire::to_json(message_of(call.site, std::move(created->shares))));
}

http::Answer show_one(const Call& call, Result<space::ShareView> share) {
  if (!share) return call.problem(share.error());
  return json_answer(200, wire::to_json(info_of(call.site, std::move(*share))));
}

// A download that is in doubt is waited for, but not for clients without a right to hear of it.
front::Reply without_doubt(const SharedCall& call, std::function<front::Reply()> go_on) {
  const auto token = token_of(*call->request);
  if (!token || !call->site.spaces.owned(call->target.guid, *token)) return go_on();
  const auto in_doubt = [call] { return call->site.shares.in_doubt(call->target.guid); };
  return after_doubt(call, call->target.guid, in_doubt, std::move(go_on));
}

}  // namespace

front::Reply list_shares(const SharedCall& call) {
  return without_doubt(call, [call] { return watch_space(call, show_list); });
}

front::Reply create_shares(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto state = call->site.spaces.owned(call->target.guid, *token); !state)
    return call->problem(state.error());
  return collect(call, wire::most_shares_request_bytes,
                 [call, token = *token](const std::string& text) -> front::Reply {
                   auto wish = wire::from_json<wire::CreateShares>(text);
                   if (!wish) return call->problem(wish.error());
                   if (wish->recipients.size() <= many_recipients) return create(*call, token, *wish);
                   return front::Work{[call, token, wish = std::move(*wish)](const std::stop_token&) -> front::Reply {
                     return create(*call, token, wish);
                   }};
                 });
}

front::Reply revoke_shares(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto done = call->site.shares.revoke_all(call->target.guid, *token); !done)
    return call->problem(done.error());
  return answer(204);
}

front::Reply show_share(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  return without_doubt(call, [call, token = *token]() -> front::Reply {
    return show_one(*call, call->site.shares.show(call->target.guid, token, call->target.item));
  });
}

front::Reply report_share(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  // Before the body is read: an unknown share is refused at once.
  if (const auto known = call->site.shares.show(call->target.guid, *token, call->target.item); !known)
    return call->problem(known.error());
  return collect(call, wire::most_request_bytes, [call, token = *token](const std::string& text) -> front::Reply {
    const auto report = wire::from_json<wire::ReportShare>(text);
    if (!report) return call->problem(report.error());
    return show_one(*call, call->site.shares.report(call->target.guid, token, call->target.item, *report));
  });
}

front::Reply revoke_share(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto done = call->site.shares.revoke(call->target.guid, *token, call->target.item); !done)
    return call->problem(done.error());
  return answer(204);
}

}  // namespace qrx::serve
