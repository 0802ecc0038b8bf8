#include "cli/space/opened_space.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "api/space_calls.h"
#include "cli/addresses.h"
#include "cli/client_options.h"
#include "cli/local_time.h"
#include "cli/places.h"
#include "cli/secret_line.h"
#include "cli/signals.h"
#include "cli/space/inbox_server.h"
#include "cli/space/left_spaces.h"
#include "receive/remembered.h"

namespace qrx::cli {
namespace {

// A server that was just started may take a moment.
constexpr Millis patience_with_own{5'000};
constexpr Millis closing_time{5'000};  // nobody waits for long at the end

Result<std::string> create_token(const SpaceToOpen& plan, const std::optional<OwnServer>& own) {
  if (own) return own->create_token();
  if (!plan.token_file.empty()) return secret_from_file(plan.token_file);
  const char* token = std::getenv("QRX_TOKEN");
  return std::string(token ? token : "");
}

// A server that grants less than was asked for does not say so itself.
void warn_of_less_time(const wire::CreateSpace& wish, WallTime created, WallTime expires, Messages& messages) {
  constexpr Seconds tolerance{120};  // clocks differ, and a request takes its time
  if (!wish.expire || expires + tolerance >= created + *wish.expire) return;
  messages.warn("the server allows less time: the link is open until " + local_time(expires, created));
}

}  // namespace

Result<wire::DropLink> checked_drop_link(const wire::SpaceCreated& space, const std::string& key) {
  auto drop = wire::parse_drop_link(space.drop);
  if (!drop) return fail(Kind::unavailable, "the server gave a malformed link: " + drop.error().what);
  // The key of the link is ours, whatever the server says: a server that names another wants to read what is sent.
  if (drop->guid != space.guid || (!drop->key.empty() && drop->key != key))
    return fail(Kind::integrity, "the server changed the key of the link", "do not use this server");
  drop->key = key;
  return drop;
}

Result<OpenedSpace> OpenedSpace::open(const SpaceToOpen& plan, Messages& messages) {
  OpenedSpace space;
  space.keep_ = plan.keep;
  space.copies_ = plan.copies;
  space.inbox_ = plan.inbox;
  // Of an inbox the next run goes on with what is not saved.
  const bool is_left_to_others = plan.copies || !plan.inbox.empty();
  if (!plan.server)
    if (auto started = space.start_own_server(plan); !started) return tl::unexpected(started.error());
  if (!space.own_ && !is_left_to_others) {
    auto directory = RunDirectory::make(false);
    if (!directory) return tl::unexpected(directory.error());
    space.named_.emplace(std::move(*directory));
  }
  const wire::Origin origin = space.own_ ? space.own_->near() : *plan.server;
  const auto may_create = create_token(plan, space.own_);
  if (!may_create) return space.given_up(may_create.error());
  wire::CreateSpace& wish = space.wish_ = plan.wish;
  wish.packs = wish.packs && wish.seal != wire::Seal::off;
  if (wish.seal != wire::Seal::off) {
    auto identity = seal::Identity::generate();
    if (!identity) return space.given_up(identity.error());
    space.identity_ = std::make_shared<const seal::Identity>(std::move(*identity));
    wish.key = space.identity_->recipient().text();
  }
  auto created =
      api::create_space(origin, wish, client_for(origin), *may_create, space.own_ ? patience_with_own : Millis{0});
  if (!created) return space.given_up(created.error());
  const auto token = Token::parse(created->token);
  if (!token) return space.given_up({Kind::unavailable, "the server at " + origin.url() + " gave no usable token", {}});
  space.link_ = wire::OwnerLink{origin, created->guid, *token};
  space.owner_ = std::move(created->owner);
  space.limits_ = created->limits;
  space.created_ = system_clock().wall();
  space.expires_ = created->expires;
  auto drop = checked_drop_link(*created, wish.key);
  if (!drop) (void)delete_or_count(space.link_, {}, false);  // its link leads elsewhere, or has another key
  if (!drop) return space.given_up(drop.error());
  space.drop_ = std::move(*drop);
  // A server behind a proxy that does not know its own name: the code would lead every sender to themselves.
  const wire::Origin& leads_to = space.drop_.origin;
  if (!space.own_ && is_loopback(leads_to.host) && (!is_loopback(origin.host) || leads_to.port != origin.port))
    messages.warn("the code leads to " + leads_to.authority() + ", which other devices cannot reach, not to " +
                      origin.authority(),
                  "start qrx-serve with --public-url " + origin.url());
  if (space.own_) {  // it does not know which of its addresses others see
    space.drop_.origin = space.own_->shown();
    space.owner_ = wire::OwnerLink{space.own_->shown(), created->guid, *token}.text();
  }
  space.unsaved_.target = plan.target;
  space.unsaved_.ask = plan.ask;
  if (!is_left_to_others)
    space.keep_unsaved(messages);
  else if (space.own_ && plan.copies)
    if (auto marked = mark_copies(space.directory()); !marked) return space.given_up(marked.error());
  space.keep_for_later_runs(messages);
  return space;
}

Result<void> OpenedSpace::start_own_server(const SpaceToOpen& plan) {
  KeptSpace inbox;  // the part of it that says where to listen
  inbox.inbox = plan.inbox;
  inbox.bind = plan.bind;
  if (plan.public_url) inbox.public_url = plan.public_url->url();
  auto own = plan.inbox.empty() ? OwnServer::start({plan.bind, plan.public_url, plan.wish.expire, {}})
                                : start_inbox_server(inbox, *plan.wish.expire);
  if (!own) return tl::unexpected(own.error());
  own_.emplace(std::move(*own));
  if (plan.inbox.empty()) return {};
  bind_ = inbox.bind;
  public_url_ = inbox.public_url;
  return {};
}

Result<OpenedSpace> OpenedSpace::reopen(const KeptSpace& kept, SharedIdentity identity, std::optional<OwnServer> own) {
  auto drop = wire::parse_drop_link(kept.drop);
  if (!drop || drop->guid != kept.link.guid)
    return fail(Kind::other, "what was kept of " + kept.name() + " is damaged: it has no link for senders",
                "remove it with: qrx-recv --delete '" + kept.name() + "'");
  OpenedSpace space;
  space.keep_ = true;
  space.inbox_ = kept.inbox;
  space.link_ = kept.link;
  space.drop_ = std::move(*drop);
  if (own) space.own_.emplace(std::move(*own));
  space.bind_ = kept.bind;
  space.public_url_ = kept.public_url;
  space.owner_ = wire::OwnerLink{space.drop_.origin, kept.link.guid, kept.link.token}.text();
  space.wish_.label = kept.label;
  space.identity_ = std::move(identity);
  space.created_ = kept.created;
  space.expires_ = kept.expires;
  return space;
}

// Nobody was shown its link.
tl::unexpected<Error> OpenedSpace::given_up(const Error& error) {
  if (named_) named_->remove();
  return tl::unexpected(error);
}

void OpenedSpace::keep_unsaved(Messages& messages) {
  unsaved_.link = link_;
  if (identity_) unsaved_.key = identity_->text();
  unsaved_.expires = expires_;
  unsaved_.own = own_.has_value();
  unsaved_.keep = keep_ && !own_;
  unsaved_.require = wish_.seal == wire::Seal::require;
  if (auto written = write_unsaved(directory(), unsaved_); !written)
    messages.warn(written.error().what, "what this run cannot save is lost");
  else if (own_)
    own_->keep_data(true);
}

void OpenedSpace::keep_for_later_runs(Messages& messages) {
  warn_of_less_time(wish_, created_, expires_, messages);  // they find it that long
  const WallTime now = system_clock().wall();
  // For runs with the owner's link. With its own server that lives as long as this run.
  if (identity_ && (keep_ || (!own_ && !copies_)))
    if (auto kept = keep_identity(link_.guid, *identity_, expires_, now); !kept)
      messages.warn(kept.error().what, "only this run can read what is sent");
  if (!keep_) return;
  if (auto remembered = remember_space(kept(), now); !remembered)
    messages.warn(remembered.error().what, "write down the owner link");
}

KeptSpace OpenedSpace::kept() const {
  // An inbox is looked after from this machine (kept_care.h).
  const wire::Origin& origin = inbox_.empty() ? shown() : link_.origin;
  return {{origin, link_.guid, link_.token}, drop_.text(), wish_.label, created_, expires_, inbox_, bind_, public_url_};
}

SpaceTerms OpenedSpace::terms(const std::string& words) const {
  SpaceTerms terms;
  terms.expires = expires_;
  if (wish_.max_size) terms.max_size = limits_.max_size;
  if (wish_.max_files) terms.max_files = limits_.max_files;
  terms.words = words;
  terms.inbox = inbox_;
  // Not of an inbox, whose terminal may be a log: qrx-recv --show tells it.
  if (keep_ && inbox_.empty()) terms.owner = owner_;
  return terms;
}

Event OpenedSpace::event(const std::string& words) const {
  Event event("space");
  event.text("guid", link_.guid.text())
      .text("drop", drop_.text())
      .text("owner", owner_)
      .text("expires", to_rfc3339(expires_));
  event.text("server", shown().url()).text("label", wish_.label).boolean("sealed", identity_ != nullptr);
  if (identity_) event.text("key", identity_->recipient().text());
  if (!words.empty()) event.text("words", words);
  if (!inbox_.empty()) event.text("inbox", inbox_);
  return event;
}

void OpenedSpace::stay(Messages& messages) const {
  if (!own_ || !keep_ || !inbox_.empty()) return;
  messages.say("The space stays until " + local_time(expires_, system_clock().wall()) + "; Ctrl-C ends it.");
  while (ended_by() == 0 && own_->running()) {
    const auto left = std::chrono::duration_cast<Millis>(expires_ - system_clock().wall()).count();
    if (left <= 0) return;
    pollfd wait{ended_by_fd(), POLLIN, 0};
    (void)::poll(&wait, 1, static_cast<int>(std::min<long long>(left, 60'000)));
  }
}

bool OpenedSpace::end(const receive::Finished& finished, std::set<std::string> parts, Messages& messages,
                      StdoutWriter& to_stdout) {
  auto left = delete_or_count(link_, finished, keep_);
  if (!left && own_) {
    // It died, or does not answer any more. What is on the disk decides.
    auto again = OwnServer::restart(own_->end());
    if (again) {
      own_.emplace(std::move(*again));
      link_.origin = unsaved_.link.origin = own_->near();
      left = delete_or_count(link_, finished, keep_);
    }
  }
  if (left && left->deliveries == 0) {
    if (keep_ && own_) (void)forget_space(link_.guid);
    if (keep_ && !own_) {  // later runs go on with it
      receive::forget_finished(receiving_dir(), link_.guid);
      named_->remove();
      return true;
    }
    if (own_) own_->keep_data(false);
    forget_unsaved(directory(), unsaved_);
    return true;
  }
  if (left) {
    unsaved_.left = *left;
    unsaved_.parts = std::move(parts);
    if (auto written = write_unsaved(directory(), unsaved_); !written) messages.warn(written.error().what);
    tell_unsaved(unsaved_, false, messages, to_stdout);
    return false;
  }
  if (own_)
    messages.warn("what arrived may not be saved: it is kept in " + directory().path() + " (" + left.error().what + ")",
                  "the next qrx-recv looks at it again");
  else
    messages.detail("the space could not be deleted: " + left.error().what);
  return false;
}

Result<void> OpenedSpace::close() {
  if (own_) {
    own_->end().remove();
    return {};
  }
  if (keep_) return {};
  http::ClientOptions client = client_for(link_.origin);
  client.answer_time = client.connect_time = closing_time;
  return api::delete_space(link_, client);
}

}  // namespace qrx::cli
