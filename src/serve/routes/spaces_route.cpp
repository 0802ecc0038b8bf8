#include "serve/routes/spaces_route.h"

#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/long_work.h"
#include "serve/watching.h"
#include "wire/limits.h"
#include "wire/messages.h"
#include "wire/tus.h"

namespace qrx::serve {
namespace {

http::Answer show(const Call& call, const std::string& token) {
  Site& site = call.site;
  const Guid& guid = call.target.guid;
  const auto from = page_asked_for(call);
  if (!from) return call.problem(from.error());
  const bool is_first = *from == space::PageStart{};
  if (const auto seq = site.spaces.seq(guid); seq && is_first)
    // The token was checked before (watch_space, change_space).
    if (const auto known = site.statuses.find(guid, *seq)) return json_answer(200, *known);
  const auto view = site.spaces.view(guid, token, *from);
  if (!view) return call.problem(view.error());
  // Made once for thousands of files: the id stands at the end.
  std::string files = site.base().url() + wire::path_of({wire::Resource::file, guid, Id{}});
  files.resize(files.size() - Id{}.text().size());
  const auto text = std::make_shared<const std::string>(
      wire::to_json(*view, [&files](const Id& file) { return files + file.text(); }));
  // Small files of an open delivery come without moving the seq.
  if (is_first && view->open.empty()) site.statuses.keep(guid, view->seq, text);
  return json_answer(200, *text);
}

}  // namespace

front::Reply create_space(const SharedCall& call) {
  Site& site = call->site;
  site.warn_of_proxy(*call->request);
  if (site.options().create_needs_token) {
    const auto token = token_of(*call->request);
    if (!token) return call->problem(401, "this server requires an access token");
    if (!site.is_create_token(*token)) return call->wrong_token({Kind::denied, "this access token is not valid", {}});
  }
  // After the token: who may not create uses up nobody's share.
  if (const auto wait = site.creations.take(call->request->peer, site.clock.steady()))
    return too_many(call->asker, "too many spaces were opened from this address; try again later", *wait);
  return collect(call, wire::most_request_bytes, [call](const std::string& text) -> front::Reply {
    const auto wish = wire::from_json<wire::CreateSpace>(text.empty() ? "{}" : text);
    if (!wish) return call->problem(wish.error());
    const auto created = call->site.spaces.create(*wish);
    if (!created) return call->problem(created.error(), created.error().kind == Kind::integrity ? 400 : 0);
    ++call->site.spaces_created;
    const space::SpaceRow& row = created->space;
    const wire::Origin& base = call->site.base();
    wire::SpaceCreated out;
    out.guid = row.guid;
    out.drop = wire::DropLink{base, row.guid, row.key}.text();
    out.owner = wire::OwnerLink{base, row.guid, created->token}.text();
    out.token = created->token.text();
    out.expires = row.expires;
    out.limits = row.limits;
    http::Answer reply = json_answer(201, wire::to_json(out));
    reply.headers.push_back({"Location", base.prefix + wire::path_of({wire::Resource::space, row.guid})});
    return reply;
  });
}

front::Reply show_space(const SharedCall& call) {
  return watch_space(call, show);
}

front::Reply change_space(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto state = call->site.spaces.owned(call->target.guid, *token); !state)
    return call->problem(state.error());
  return collect(call, wire::most_request_bytes, [call, token = *token](const std::string& text) -> front::Reply {
    const auto change = wire::from_json<wire::ChangeSpace>(text);
    if (!change) return call->problem(change.error());
    if (const auto done = call->site.spaces.extend(call->target.guid, token, *change); !done)
      return call->problem(done.error());
    return show(*call, token);
  });
}

front::Reply remove_space(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  // Before anything is queued: the address of a space is known to all its senders.
  if (const auto state = call->site.spaces.owned(call->target.guid, *token); !state)
    return call->problem(state.error());
  // A condition that could not be read must not become none: the whole space would go.
  const auto asked = call->parameter("deliveries");
  if (!asked) return call->problem(asked.error());
  std::optional<std::uint64_t> deliveries;
  if (*asked) {
    deliveries = wire::parse_number(**asked);
    if (!deliveries) return call->problem(400, "deliveries is not a whole number");
  }
  // Its rows and its files on the disk go one after another.
  const std::uint64_t files = call->site.spaces.files_held(call->target.guid);
  return aside_if_many(files, [call, token = *token, deliveries]() -> front::Reply {
    const auto done = call->site.spaces.remove(call->target.guid, token, deliveries);
    return done ? answer(204) : call->problem(done.error());
  });
}

front::Reply end_upload(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto done = call->site.spaces.end_upload(call->target.guid, *token, call->target.item); !done)
    return call->problem(done.error());
  return answer(204);
}

front::Reply end_delivery(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  if (const auto done = call->site.spaces.end_delivery(call->target.guid, *token, call->target.item); !done)
    return call->problem(done.error());
  return answer(204);
}

}  // namespace qrx::serve
