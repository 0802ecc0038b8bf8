// qrx-recv: opens a space, shows its QR code, waits, saves what arrives; or downloads what a link holds.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "cli/asking.h"
#include "cli/exit.h"
#include "cli/recv/inviting.h"
#include "cli/recv/kept_care.h"
#include "cli/recv/receive_output.h"
#include "cli/recv/receive_report.h"
#include "cli/recv/receiving.h"
#include "cli/recv/recv_settings.h"
#include "cli/recv/where_from.h"
#include "cli/signals.h"
#include "cli/space/left_spaces.h"
#include "cli/space/unsaved.h"
#include "cli/tool.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

class Recv : public Tool {
 public:
  Recv(const RecvSettings& settings, const Options& options)
      // Not where events stand: one terminal shows either.
      : Tool("qrx-recv", settings.common,
             shows_progress(settings.common) && !(settings.common.json && term::is_terminal(STDOUT_FILENO))),
        set_(settings),
        options_(options) {}

  int run();

 private:
  std::optional<int> visit_left(ReceiveOutput& output);
  ReceiveReportOptions how_to_report(bool to_stream);
  int receive(ReceiveOutput& output);
  int finish(const ReceivingEnd& ended, ReceiveReport& report, ReceiveOutput& output);
  void say_stopped(int signal) override;
  bool output_closed() const override { return reader_gone_; }

  const RecvSettings& set_;
  const Options& options_;
  std::optional<WhereFrom> from_;
  std::optional<Asking> asking_;
  bool reader_gone_ = false;  // of -o -
};

int Recv::run() {
  if (!set_.links.empty()) {
    auto given = WhereFrom::link(set_.links.front(), set_, options_);
    if (!given) return options_.usage_error(given.error());
    from_.emplace(std::move(*given));
  }
  ::unsetenv("QRX_IDENTITY");  // not for what is run from here
  if (set_.ask) {
    auto terminal = Asking::open("--ask");
    if (!terminal) return options_.usage_error(terminal.error());
    asking_.emplace(std::move(*terminal));
  }
  heed_signals();
  auto output = ReceiveOutput::open(set_.output, on_conflict_of(set_.on_conflict), set_.awaited() != 1);
  if (!output) return end(output.error());
  if (!from_) {
    if (const auto ended = visit_left(*output)) return *ended;
    output->remove_stale();
    auto opened = WhereFrom::open(set_, options_, *output, messages_);
    if (!opened) return end(opened.error());
    from_.emplace(std::move(*opened));
    if (from_->own_server()) output->set_passing();
  }
  return receive(*output);
}

// What earlier runs left. How the run ends here, if it does.
std::optional<int> Recv::visit_left(ReceiveOutput& output) {
  const LeftWanted wanted{place_of(set_.output, output.is_stream()), set_.ask, set_.resume};
  LeftSaving saving(set_, asking_ ? &*asking_ : nullptr, output, messages_, stdout_, progress_, interrupt_);
  const auto save = [&saving](const UnsavedSpace& space, const SharedIdentity& identity) {
    return saving.save(space, identity);
  };
  const std::size_t found = visit_left_runs(wanted, save, messages_, stdout_);
  if (ended_by() != 0 || stdout_.closed()) return end({});
  if (set_.resume.empty()) return std::nullopt;  // what could not be saved was said
  if (found > 0) return saving.exit_code();
  return end(
      {Kind::not_found, "nothing left to save from " + (set_.resume == "all" ? "earlier runs" : set_.resume), {}});
}

ReceiveReportOptions Recv::how_to_report(bool to_stream) {
  ReceiveReportOptions how = cli::how_to_report(set_, to_stream);
  how.asking = asking_ ? &*asking_ : nullptr;
  from_->describe_to(how);
  return how;
}

int Recv::receive(ReceiveOutput& output) {
  ReceiveReport report(how_to_report(output.is_stream()), messages_, stdout_, progress_);
  if (const auto* opened = from_->opened()) {
    auto invitation = announce(set_, *opened, messages_, stdout_);
    if (!invitation) {
      from_->leave({}, output, messages_, stdout_);
      return end(invitation.error());
    }
    if (!from_->is_closed()) report.invite(std::move(*invitation));
  }
  receive::ReceiverOptions how = from_->how_to_receive(set_);
  how.client.interrupt = interrupt_;
  const auto ended = receive_attended(from_->address(), how, report, output, from_->own_server(), [&] {
    if (const auto news = from_->each_second(set_); !news.empty()) report.notice(news);
  });
  progress_.clear();
  reader_gone_ = ended.output_closed;
  return finish(ended, report, output);
}

int Recv::finish(const ReceivingEnd& ended, ReceiveReport& report, ReceiveOutput& output) {
  const auto leave = [&] { from_->leave(ended.finished, output, messages_, stdout_); };
  const auto& received = ended.received;
  if (!received || report.output_failed()) {
    const int code = end(report.output_failed() ? *report.output_failed() : received.error());
    leave();
    return code;
  }
  const bool signalled = ended_by() != 0;  // after all was done, while senders were told so
  if (auto told = report.done(*received); !told) {
    leave();
    return end(told.error());
  }
  from_->stay(messages_);
  if (received->left > 0) messages_.warn("more arrived after the stream ended; not written");
  leave();
  if (ended_by() != 0 && !signalled) return end({});
  if (received->first_refusal) return exit_code(received->first_refusal->kind);
  return report.hook_failed() || received->left > 0 ? exit_partly : exit_done;
}

void Recv::say_stopped(int signal) {
  if (signal == SIGINT && term::is_terminal(STDERR_FILENO)) messages_.raw("\n");
  if (from_ && from_->is_inbox())
    messages_.notice(from_->own_server() ? "stopped; nobody can send to the inbox until it runs again"
                                         : "stopped; what is sent meanwhile waits in the inbox");
  else
    messages_.warn(set_.space.keep || !from_ || !from_->opened() ? "stopped" : "stopped; the link no longer works");
}

}  // namespace

int main(int argc, char** argv) {
  RecvSettings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  if (auto right = check_usage(settings, options); !right) return options.usage_error(right.error());
  if (settings.kept.any()) return care_for_kept(settings);
  return Recv(settings, options).run();
}
