#include "cli/recv/kept_care.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "api/space_calls.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/asking.h"
#include "cli/client_options.h"
#include "cli/counts.h"
#include "cli/exit.h"
#include "cli/link_words.h"
#include "cli/local_time.h"
#include "cli/places.h"
#include "cli/recv/given_link.h"
#include "cli/recv/inviting.h"
#include "cli/recv/poster_file.h"
#include "cli/signals.h"
#include "cli/space/identities.h"
#include "cli/space/inbox.h"
#include "cli/space/inbox_server.h"
#include "cli/space/kept_spaces.h"
#include "cli/tool.h"
#include "qr/symbol.h"
#include "receive/remembered.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

// Nobody waits for long for a server that is away.
constexpr Millis answer_time{5'000};

struct Holdings {
  std::uint64_t deliveries = 0, files = 0, bytes = 0;
};

Holdings holdings_of(const wire::SpaceInfo& info) {
  Holdings sum;
  sum.deliveries = info.deliveries.size();
  for (const auto& delivery : info.deliveries)
    for (const auto& file : delivery.files) {
      if (file.sealed && file.name == wire::manifest_name) continue;
      ++sum.files;
      // As the server has them: sealed ones a little larger.
      sum.bytes += file.size;
    }
  return sum;
}

bool is_gone(const Error& error) {
  return error.kind == Kind::not_found || error.kind == Kind::gone;
}

bool is_over(const KeptSpace& kept) {
  return kept.expires < system_clock().wall();
}

std::string state_of(const KeptSpace& kept, const Result<wire::SpaceInfo>& info, bool stopped) {
  if (!info && is_gone(info.error())) return is_over(kept) ? "expired" : "gone";
  if (!info) return "unreachable";
  if (info->state == wire::SpaceState::closed) return "closed";
  return stopped ? "stopped" : "open";
}

PosterText poster_text(const KeptSpace& kept, const std::string& words, const wire::DropLink& drop) {
  return {kept.label.empty() ? kept.inbox : kept.label, words,
          kept.is_served_here() ? help_with_own_server(drop.origin) : ""};
}

class Care : public Tool {
 public:
  explicit Care(const RecvSettings& settings) : Tool("qrx-recv", settings.common, false), set_(settings) {}
  int run();

 private:
  int list();
  Result<void> list_one(const KeptSpace& kept);
  Result<KeptSpace> find(const std::string& name);
  Result<void> change(KeptSpace& kept);
  Result<void> extend(KeptSpace& kept, const wire::OwnerLink& link);
  Result<void> close(const KeptSpace& kept, const wire::OwnerLink& link);
  Result<void> remove(const KeptSpace& kept, KeptReach& reach);
  Result<void> check_open(const KeptSpace& kept, const wire::OwnerLink& link);
  Result<void> show(const KeptSpace& kept);
  bool may_remove(const KeptSpace& kept, const wire::OwnerLink& link);
  http::ClientOptions client(const wire::OwnerLink& link) const;
  std::string until(WallTime time) const { return local_time(time, system_clock().wall()); }
  void say_stopped(int) override { messages_.warn("stopped"); }

  const RecvSettings& set_;
};

http::ClientOptions Care::client(const wire::OwnerLink& link) const {
  http::ClientOptions client = client_for(link.origin);
  client.interrupt = interrupt_;
  client.connect_time = client.answer_time = client.stall_time = answer_time;
  return client;
}

int Care::run() {
  heed_signals();
  if (set_.kept.list) return list();
  for (const auto& name : set_.links) {
    auto kept = find(name);
    if (!kept) return end(kept.error());
    if (auto done = change(*kept); !done) return end(done.error());
  }
  return exit_done;
}

// A name, a GUID, or, for a space of which this machine knows nothing, its owner's link.
Result<KeptSpace> Care::find(const std::string& name) {
  if (name != "-" && name.find("://") == std::string::npos) return kept_space_named(name);
  auto given = read_given_link(name);
  if (!given) return tl::unexpected(given.error());
  if (given->address.shared) return fail(Kind::usage, "this link was shared with you: only its owner can change it");
  const auto token = Token::parse(given->address.bearer);
  if (!token) return fail(Kind::usage, "the link has no token of its owner");
  const wire::OwnerLink owner{given->address.origin, given->address.name, *token};
  if (auto kept = kept_space(owner.guid)) return kept;
  const WallTime now = system_clock().wall();
  return KeptSpace{owner, {}, {}, now, now};
}

Result<void> Care::change(KeptSpace& kept) {
  auto reach = KeptReach::open(kept, set_.kept.extend);
  if (!reach) return tl::unexpected(reach.error());
  if (set_.kept.remove) return remove(kept, *reach);
  if (set_.kept.extend)
    if (auto done = extend(kept, reach->link()); !done) return done;
  if (set_.kept.close)
    if (auto done = close(kept, reach->link()); !done) return done;
  if (!set_.kept.show) return {};
  if (auto open = check_open(kept, reach->link()); !open) return open;
  return show(kept);
}

// --- listing

int Care::list() {
  const auto all = kept_spaces();
  if (!all) return end(all.error());
  if (all->empty()) messages_.say("no inboxes, and no kept spaces");
  for (const auto& kept : *all) {
    if (ended_by() != 0) return end({});
    if (auto told = list_one(kept); !told) return end(told.error());
  }
  return exit_done;
}

Result<void> Care::list_one(const KeptSpace& kept) {
  const auto reach = KeptReach::open(kept);
  const Result<wire::SpaceInfo> info = reach ? api::look_at_space(reach->link(), client(reach->link()))
                                             : Result<wire::SpaceInfo>(tl::unexpected(reach.error()));
  const Holdings held = info ? holdings_of(*info) : Holdings{};
  const bool stopped = reach && reach->is_stopped();
  const std::string state = state_of(kept, info, stopped);
  if (!info) messages_.detail(kept.name() + ": " + info.error().what);
  const WallTime expires = info ? info->expires : kept.expires;
  if (stdout_.json()) {
    Event event("kept");
    event.text("guid", kept.link.guid.text());
    kept.inbox.empty() ? event.null("inbox") : event.text("inbox", kept.inbox);
    event.text("label", kept.label).text("state", state);
    for (auto [name, number] : {std::pair("deliveries", held.deliveries), {"files", held.files}, {"bytes", held.bytes}})
      info ? event.number(name, number) : event.null(name);
    event.text("expires", to_rfc3339(expires)).text("server", kept.link.origin.url()).text("drop", kept.drop);
    return stdout_.event(event);
  }
  const std::string files = info ? std::to_string(held.files) : "-";
  if (!term::is_terminal(STDOUT_FILENO))
    return stdout_.line(kept.name() + "\t" + state + "\t" + files + "\t" + to_rfc3339(expires) + "\t" +
                        kept.link.origin.url());
  std::string what = state;
  if (info) what += ", " + count_of_files(held.files) + ", until " + until(expires);
  if (state == "expired") what += " since " + until(expires);
  what += stopped && info ? "; start it with: qrx-recv --inbox '" + escape_untrusted(kept.name()) + "'"
                          : ", on " + escape_untrusted(kept.link.origin.url());
  // A GUID tells nobody what it was.
  const std::string label = kept.inbox.empty() && !kept.label.empty() ? " (" + escape_untrusted(kept.label) + ")" : "";
  return stdout_.line(escape_untrusted(kept.name()) + label + ": " + what);
}

// --- changing

Result<void> Care::extend(KeptSpace& kept, const wire::OwnerLink& link) {
  wire::ChangeSpace wish;
  wish.expire = *set_.kept.extend;
  const auto info = api::change_space(link, wish, client(link));
  if (!info) return tl::unexpected(info.error());
  const WallTime granted = info->expires;
  const bool shorter = granted + Seconds{60} < kept.expires;
  const std::string before = shorter ? " (it was until " + until(kept.expires) + ")" : "";
  // Of a space of another machine nothing is remembered here.
  if (!kept.drop.empty())
    if (auto remembered = remember_expiry(kept, granted); !remembered) return remembered;
  const bool closed = info->state == wire::SpaceState::closed;
  messages_.say(kept.name() + (closed ? " takes no more files; what is there stays until " : " is open until ") +
                until(granted) + before);
  // Seconds pass on the way.
  if (granted + Seconds{60} < system_clock().wall() + *wish.expire)
    messages_.warn("the server allows no more time than that");
  return stdout_.event(Event("extended").text("guid", kept.link.guid.text()).text("expires", to_rfc3339(granted)));
}

Result<void> Care::close(const KeptSpace& kept, const wire::OwnerLink& link) {
  wire::ChangeSpace wish;
  wish.state = wire::SpaceState::closed;
  const auto info = api::change_space(link, wish, client(link));
  if (!info) return tl::unexpected(info.error());
  messages_.say(kept.name() + " takes no more files; what is there stays until " + until(info->expires));
  return stdout_.event(Event("closed").text("guid", kept.link.guid.text()));
}

// What nobody has saved is not deleted unasked where there is somebody to ask. When the server does not say what is
// there, the wish stands.
bool Care::may_remove(const KeptSpace& kept, const wire::OwnerLink& link) {
  if (kept.inbox.empty() || !term::is_terminal(STDERR_FILENO)) return true;
  const auto finished = receive::what_is_finished(receiving_dir(), kept.link.guid);
  const auto unsaved = receive::find_unsaved(link, client(link), finished, false);
  if (!unsaved || unsaved->deliveries == 0) return true;
  auto asking = Asking::open("--delete");
  return !asking || asking->yes(kept.name() + " holds " + count_of_files(unsaved->files) + ", " +
                                format_size(unsaved->bytes) + ", not saved here. Delete?");
}

Result<void> Care::remove(const KeptSpace& kept, KeptReach& reach) {
  if (kept.is_served_here() && !reach.is_stopped())
    return fail(Kind::locked, "the inbox " + kept.inbox + " is in use by another qrx-recv", "end that one first");
  if (!may_remove(kept, reach.link())) return fail(Kind::denied, "not deleted: you said no");
  // The server first: what is forgotten here could not be deleted there any more.
  if (auto done = api::delete_space(reach.link(), client(reach.link())); !done && !is_gone(done.error())) return done;
  if (reach.is_stopped()) reach.remove_data();
  const Guid& guid = kept.link.guid;
  if (auto forgotten = forget_space(guid); !forgotten) return forgotten;
  if (auto forgotten = forget_identity(guid); !forgotten) return forgotten;
  if (const auto state = receiving_dir(); !state.empty()) receive::forget_received(state, guid);
  messages_.say("deleted: " + kept.name());
  return stdout_.event(Event("deleted").text("guid", guid.text()));
}

// --- showing

// A code that leads nowhere is not shown: somebody might print it. One whose server does not answer may be good.
Result<void> Care::check_open(const KeptSpace& kept, const wire::OwnerLink& link) {
  if (kept.drop.empty()) return {};  // show() says what is missing
  const auto info = api::look_at_space(link, client(link));
  if (info && info->state == wire::SpaceState::closed)
    return fail(Kind::gone, kept.name() + " is closed: nobody can send to it any more");
  if (info) return {};
  if (is_over(kept)) return fail(Kind::gone, kept.name() + " expired: it was open until " + until(kept.expires));
  if (is_gone(info.error()))
    return fail(Kind::gone, kept.link.origin.url() + " does not know " + kept.name() + " any more");
  messages_.warn("cannot ask the server whether it is still open: " + info.error().what);
  return {};
}

Result<void> Care::show(const KeptSpace& kept) {
  if (kept.drop.empty())
    return fail(Kind::not_found, "the space " + kept.link.guid.text() + " was not opened on this machine",
                "its code is on the machine that opened it");
  auto opened = OpenedSpace::reopen(kept, nullptr);
  if (!opened) return tl::unexpected(opened.error());
  LinkWords words(opened->drop());
  const auto& shown = words.get();
  if (!shown) return tl::unexpected(shown.error());
  auto symbol = qr::make_symbol(opened->drop().text());
  if (!symbol) return tl::unexpected(symbol.error());
  if (!set_.qr_file.empty())
    if (auto written = write_qr_file(set_.qr_file, *symbol, set_.invert); !written) return written;
  if (!set_.poster.empty())
    if (auto drawn = write_poster(set_.poster, poster_text(kept, *shown, opened->drop()), opened->drop(), *symbol);
        !drawn)
      return drawn;
  // As a run that waits would show it.
  RecvSettings how = set_;
  how.follow = true;
  Invitation invitation = invitation_of(how, *opened, *shown, std::move(*symbol));
  if (!kept.inbox.empty())  // of others it stands there
    invitation.after.push_back("Your own link, not for the sender: " + escape_untrusted(kept.link.text()));
  if (!messages_.quiet())
    messages_.raw(draw_invitation(
                      invitation,
                      screen_for(term::size_of(STDERR_FILENO), term::colour_depth(), term::speaks_utf8(), set_.invert),
                      1)
                      .text);
  if (auto told = stdout_.event(opened->event(*shown)); !told) return told;
  if (term::is_terminal(STDOUT_FILENO) && !messages_.quiet()) return {};  // it stands there
  return stdout_.line(kept.drop);
}

}  // namespace

int care_for_kept(const RecvSettings& settings) {
  return Care(settings).run();
}

}  // namespace qrx::cli
