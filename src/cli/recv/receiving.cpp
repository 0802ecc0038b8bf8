#include "cli/recv/receiving.h"

#include "cli/signals.h"
#include "cli/space/attended_work.h"

namespace qrx::cli {

ReceivingEnd receive_attended(const api::SpaceAddress& from, const receive::ReceiverOptions& how, ReceiveReport& report,
                              ReceiveOutput& output, const OwnServer* server,
                              const std::function<void()>& each_second) {
  const auto stop = [interrupt = how.client.interrupt] { interrupt->raise(); };
  receive::Receiver receiver(from, how, report.events(stop));
  ReceivingEnd end{fail(Kind::other, "nothing was received"), {}};
  const auto look = [&] {
    report.look();
    if (each_second) each_second();
  };
  // In a thread of its own, while this one watches signals, the window and the built-in server.
  const auto server_died = run_attended([&] { end.received = output.fill(receiver); },
                                        Attention{[&] { report.redraw(); }, server, stop, look});
  end.finished = receiver.finished();
  end.output_closed = !end.received && output.closed();
  if (!server_died)
    end.received = tl::unexpected(server_died.error());
  else if (*server_died && !end.received && ended_by() == 0)
    end.received = fail(Kind::other, "the built-in server stopped unexpectedly");
  return end;
}

receive::Finished LeftSaving::save(const UnsavedSpace& space, const SharedIdentity& identity) {
  ReceiveReportOptions how = how_to_report(set_, output_.is_stream());
  how.asking = asking_;
  how.space = space.link.guid.text();
  how.waits_on = false;
  ReceiveReport report(how, messages_, stdout_, progress_);
  receive::ReceiverOptions options = how_to_receive(set_, space.link.origin);
  options.client.interrupt = interrupt_;
  if (set_.seal != "off") options.identity = identity;
  if (set_.seal != "off" && space.require) options.only_sealed = true;  // what that run promised
  // Only what is there: this run does not wait for more.
  options.present_only = options.take_up = options.remember = options.keep = true;
  const auto end = receive_attended(space.link, options, report, output_, nullptr);
  progress_.clear();
  const auto& received = end.received;
  const bool nothing = !received && received.error().kind == Kind::timed_out;  // it holds only what was saved before
  if (!received && !nothing && ended_by() == 0) messages_.error(received.error());
  if (!received && !nothing) code_ = cli::exit_code(received.error().kind);
  if (received && received->first_refusal) code_ = cli::exit_code(received->first_refusal->kind);
  return end.finished;
}

}  // namespace qrx::cli
