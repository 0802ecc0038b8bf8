#include "cli/space/left_spaces.h"

#include <memory>
#include <optional>
#include <utility>

#include "api/space_calls.h"
#include "base/clock.h"
#include "cli/client_options.h"
#include "cli/local_time.h"
#include "cli/places.h"
#include "cli/signals.h"
#include "cli/space/own_server.h"
#include "receive/remembered.h"
#include "receive/saver.h"

namespace qrx::cli {
namespace {

// Nobody waits for long at the end of a run, or at its start for an old one.
constexpr Millis answer_time{3'000};
constexpr int most_looks = 5;
// A named server that cannot be asked for so long after its own word has expired.
constexpr Seconds give_up_after{30 * 24 * 3600};

SharedIdentity identity_in(const UnsavedSpace& space) {
  if (space.key.empty()) return nullptr;
  auto identity = seal::Identity::parse(space.key);
  return identity ? std::make_shared<const seal::Identity>(std::move(*identity)) : nullptr;
}

class LeftVisit {
 public:
  LeftVisit(const LeftWanted& wanted, const SaveLeft& save, Messages& messages, StdoutWriter& to_stdout)
      : wanted_(wanted), save_(save), messages_(messages), stdout_(to_stdout) {}

  bool visit(LeftRun& run);  // true: it was wanted

 private:
  bool is_wanted(const UnsavedSpace& space) const {
    if (!wanted_.resume.empty()) return wanted_.resume == "all" || wanted_.resume == space.link.guid.text();
    return space.target == wanted_.place && !is_stream_place(space.target) && (!space.ask || wanted_.ask);
  }
  void mention(const UnsavedSpace& space) {
    if (wanted_.resume.empty()) say_unsaved(space, true, messages_);
  }
  void look(LeftRun& run, RunDirectory& directory, bool wanted);

  const LeftWanted& wanted_;
  const SaveLeft& save_;
  Messages& messages_;
  StdoutWriter& stdout_;
};

void LeftVisit::look(LeftRun& run, RunDirectory& directory, bool wanted) {
  UnsavedSpace& space = run.space;
  const WallTime now = system_clock().wall();
  const Guid& guid = space.link.guid;
  auto finished = receive::what_is_finished(receiving_dir(), guid);
  auto left = delete_or_count(space.link, finished, space.keep);
  if (left && left->deliveries > 0 && wanted) {
    messages_.say("Found " + describe_left(*left) + " from an earlier run: saving now.");
    finished = save_(space, identity_in(space));
    left = delete_or_count(space.link, finished, space.keep);
  }
  if (left && left->deliveries == 0) return forget_unsaved(directory, space);
  if (!left && !space.own && space.expires + give_up_after < now) return forget_unsaved(directory, space);
  if (left) {
    space.left = *left;
    if (auto written = write_unsaved(directory, space); !written) messages_.warn(written.error().what);
    tell_unsaved(space, true, messages_, stdout_);
  } else if (wanted) {
    messages_.warn("cannot fetch what an earlier run left: " + left.error().what, "it stays; the next run tries again");
  }
}

bool LeftVisit::visit(LeftRun& run) {
  UnsavedSpace& space = run.space;
  const bool wanted = is_wanted(space);
  const bool over = space.expires <= system_clock().wall();  // perhaps: the server decides
  if (!wanted && space.left && !over) {
    mention(space);
    return false;
  }
  // A named server is not asked by runs that have nothing to do with it.
  if (!wanted && !space.own && !over) return false;
  if (!space.own) {
    look(run, run.directory, wanted);
    return wanted;
  }
  auto server = OwnServer::restart(std::move(run.directory));
  if (!server) {
    messages_.warn("cannot look at what an earlier run left: " + server.error().what, "it stays");
    return wanted;
  }
  space.link.origin = server->near();
  look(run, server->directory(), wanted);
  return wanted;
}

}  // namespace

Result<UnsavedSpace::Left> delete_or_count(const wire::OwnerLink& link, const receive::Finished& finished, bool keep) {
  http::ClientOptions client = client_for(link.origin);
  client.connect_time = client.answer_time = client.stall_time = answer_time;
  receive::tell_senders(receiving_dir(), link, client);
  Error last{Kind::other, "the space keeps changing", {}};
  for (int look = 0; look < most_looks; ++look) {
    const auto unsaved = receive::find_unsaved(link, client, finished, !keep);
    if (!unsaved && unsaved.error().kind == Kind::not_found) return UnsavedSpace::Left{};
    if (!unsaved) return tl::unexpected(unsaved.error());
    if (unsaved->deliveries > 0 || keep) return UnsavedSpace::Left{unsaved->deliveries, unsaved->files, unsaved->bytes};
    const auto deleted = api::delete_space(link, client, unsaved->held);
    if (deleted) return UnsavedSpace::Left{};
    last = deleted.error();
    if (last.kind != Kind::conflict) break;  // a delivery that was being uploaded was committed meanwhile
  }
  return tl::unexpected(last);
}

void forget_unsaved(RunDirectory& directory, const UnsavedSpace& space) {
  const Guid& guid = space.link.guid;
  if (!is_stream_place(space.target)) receive::Saver::remove_parts(space.target, space.parts);
  (void)forget_identity(guid);
  if (const auto state = receiving_dir(); !state.empty()) receive::forget_received(state, guid);
  directory.remove();
}

void tell_unsaved(const UnsavedSpace& space, bool earlier, Messages& messages, StdoutWriter& to_stdout) {
  const UnsavedSpace::Left left = space.left.value_or(UnsavedSpace::Left{});
  Event event("unsaved");
  event.text("guid", space.link.guid.text()).number("deliveries", left.deliveries).number("files", left.files);
  event.number("bytes", left.bytes).text("target", shown_place(space.target));
  (void)to_stdout.event(event.text("expires", to_rfc3339(space.expires)));
  say_unsaved(space, earlier, messages);
}

void say_unsaved(const UnsavedSpace& space, bool earlier, Messages& messages) {
  const UnsavedSpace::Left left = space.left.value_or(UnsavedSpace::Left{});
  const std::string what = describe_left(left) + (earlier ? " of an earlier run" : "") + " not saved yet";
  const std::string until = local_time(space.expires, system_clock().wall());
  const std::string how = "qrx-recv --resume " + space.link.guid.text();
  if (earlier)
    messages.notice(what + " (meant for " + shown_place(space.target) + "); save here with: " + how);
  else if (space.ask)
    messages.notice(what + ": kept " + (space.own ? "on this machine" : "on the server") + " until " + until +
                    "; decide with: " + how + " --ask");
  else
    messages.warn(what + ": kept " + (space.own ? "on this machine" : "on the server") + " until " + until,
                  "fix the problem and run the same command again, or save elsewhere: " + how + " -o DIRECTORY");
}

std::size_t visit_left_runs(const LeftWanted& wanted, const SaveLeft& save, Messages& messages,
                            StdoutWriter& to_stdout) {
  std::size_t found = 0;
  LeftVisit visit(wanted, save, messages, to_stdout);
  for (auto& run : left_runs()) {
    if (ended_by() != 0) break;
    if (visit.visit(run)) ++found;
  }
  return found;
}

void forget_left_run(const Guid& guid, const receive::Finished& finished) {
  for (auto& run : left_runs()) {
    if (run.space.own || run.space.link.guid != guid) continue;
    if (const auto left = delete_or_count(run.space.link, finished, true); left && left->deliveries == 0)
      run.directory.remove();
  }
}

}  // namespace qrx::cli
