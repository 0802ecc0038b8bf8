#include "cli/space/inbox.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <utility>

#include "api/space_calls.h"
#include "base/private_files.h"
#include "cli/client_options.h"
#include "cli/local_time.h"
#include "cli/places.h"
#include "cli/space/identities.h"
#include "cli/space/inbox_server.h"

namespace qrx::cli {
namespace {

constexpr Millis answer_time{5'000};  // nobody waits for long at the start of a run
constexpr Seconds try_again_after{60};
constexpr Seconds longest_pause{24 * 3600};
constexpr Seconds usual_life{365 * 24 * 3600};

// From now to the next extension.
Seconds pause_until(WallTime expires) {
  const auto left = std::chrono::duration_cast<Seconds>(expires - system_clock().wall());
  return std::clamp(left / 2, Seconds{1}, longest_pause);
}

}  // namespace

Seconds life_of_inbox(const SpaceToOpen& plan) {
  return plan.wish.expire.value_or(usual_life);
}

Result<OpenedSpace> Inbox::open(const SpaceToOpen& plan, Messages& messages) {
  return space_ ? open_found(plan, messages) : open_new(plan, messages);
}

Result<OpenedSpace> Inbox::open_found(const SpaceToOpen& plan, Messages& messages) {
  std::optional<OwnServer> own;
  if (space_->is_served_here()) {
    auto started = serve(plan, messages);
    if (!started) return tl::unexpected(started.error());
    own.emplace(std::move(*started));
  }
  if (auto extended = extend(life_of_inbox(plan)); !extended) return tl::unexpected(extended.error());
  auto identity = kept_identity(space_->link.guid);
  if (!identity) return tl::unexpected(identity.error());
  const bool has_key = *identity != nullptr;
  auto opened = OpenedSpace::reopen(*space_, std::move(*identity), std::move(own));
  if (!opened) return opened;
  if (!has_key && !opened->drop().key.empty() && plan.wish.seal != wire::Seal::off)
    return fail(Kind::other, "the secret key of the inbox " + space_->inbox + " is not on this machine any more",
                "put it back from a backup of the state directory; with --seal off what comes is saved encrypted");
  if (closed_) messages.warn("the inbox " + space_->inbox + " was closed: nobody can send to it any more");
  return opened;
}

// Its server, at the address that its code names, or as near to that as possible, which is told.
Result<OwnServer> Inbox::serve(const SpaceToOpen& plan, Messages& messages) {
  auto drop = wire::parse_drop_link(space_->drop);
  if (!drop) return fail(Kind::other, "what was kept of " + space_->inbox + " is damaged: it has no link for senders");
  if (!plan.bind.empty()) space_->bind = plan.bind;
  if (plan.public_url) space_->public_url = plan.public_url->url();
  auto server = start_inbox_server(*space_, life_of_inbox(plan));
  if (!server) return server;
  space_->link.origin = server->near();
  if (drop->origin != server->shown()) {
    messages.warn("the code of this inbox named " + drop->origin.url() + "; now it is " + server->shown().url() +
                      ": codes and posters from before no longer work",
                  "print it anew with --poster; to keep it, give this machine a fixed address, or a name with "
                  "--public-url");
    drop->origin = server->shown();
    space_->drop = drop->text();
  }
  return server;
}

Result<OpenedSpace> Inbox::open_new(const SpaceToOpen& plan, Messages& messages) {
  SpaceToOpen wish = plan;
  wish.wish.expire = life_of_inbox(plan);
  if (wish.wish.label.empty()) wish.wish.label = plan.inbox;
  auto opened = OpenedSpace::open(wish, messages);
  if (!opened) return opened;
  // Its code may be printed: one that no later run finds is none.
  const bool has_key = opened->identity() != nullptr;
  const auto key = kept_identity(opened->link().guid);
  if (!kept_space(opened->link().guid) || (has_key && (!key || !*key))) {
    (void)api::delete_space(opened->link(), client_for(opened->link().origin));
    return fail(Kind::other, "the inbox was not opened: it could not be kept on this machine");
  }
  space_ = opened->kept();
  due_ = system_clock().steady() + pause_until(space_->expires);
  return opened;
}

Result<Inbox> Inbox::take(const std::string& name) {
  const auto state = state_dir();
  if (!state) return tl::unexpected(state.error());
  const std::string directory = *state + "/inboxes";
  if (auto made = make_private_directories(directory); !made) return tl::unexpected(made.error());
  const std::string path = directory + "/" + name + ".lock";
  UniqueFd lock = open_private_file(path, O_RDWR | O_CREAT | O_CLOEXEC);
  if (!lock) return fail_errno("cannot write " + path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Kind::locked, "the inbox " + name + " is in use by another qrx-recv",
                "end that one first, or choose another name");
  Inbox inbox(std::move(lock));
  auto all = kept_spaces();
  if (!all) return tl::unexpected(all.error());
  for (auto& kept : *all)
    if (kept.inbox == name) inbox.space_ = std::move(kept);
  return inbox;
}

Result<void> Inbox::extend(Seconds life) {
  http::ClientOptions client = client_for(space_->link.origin);
  client.connect_time = client.answer_time = client.stall_time = answer_time;
  wire::ChangeSpace wish;
  wish.expire = life;
  const auto info = api::change_space(space_->link, wish, client);
  if (!info && (info.error().kind == Kind::not_found || info.error().kind == Kind::gone)) {
    const WallTime now = system_clock().wall();
    const std::string server = space_->link.origin.url();
    const std::string when = local_time(space_->expires, now);
    return fail(
        Kind::gone,
        space_->expires < now ? "the inbox " + space_->inbox + " expired on " + server + ": it was open until " + when
                              : server + " does not know the inbox " + space_->inbox + " any more",
        "its code no longer works; for a new one: qrx-recv --delete '" + space_->inbox + "', then the same again");
  }
  if (!info) return tl::unexpected(info.error());
  closed_ = info->state == wire::SpaceState::closed;
  due_ = system_clock().steady() + pause_until(info->expires);
  return remember_expiry(*space_, info->expires);
}

void Inbox::extend_when_due(Seconds life) {
  if (system_clock().steady() < due_) return;
  due_ = system_clock().steady() + try_again_after;
  (void)extend(life);  // the receiver itself tells of a server that is away, and of a space that is gone
}

Result<void> remember_expiry(KeptSpace& space, WallTime expires) {
  const WallTime now = system_clock().wall();
  space.expires = expires;
  if (auto written = remember_space(space, now); !written) return written;
  const auto identity = kept_identity(space.link.guid);
  if (!identity || !*identity) return {};
  return keep_identity(space.link.guid, **identity, expires, now);
}

}  // namespace qrx::cli
