// qrx-recv: opens a space, shows its QR code, waits, saves what arrives; or downloads what a link holds.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "cli/asking.h"
#include "cli/exit.h"
#include "cli/invitation.h"
#include "cli/link_words.h"
#include "cli/recv/given_link.h"
#include "cli/recv/kept_care.h"
#include "cli/recv/poster_file.h"
#include "cli/recv/receive_output.h"
#include "cli/recv/receive_report.h"
#include "cli/recv/receiving.h"
#include "cli/recv/recv_settings.h"
#include "cli/signals.h"
#include "cli/space/identities.h"
#include "cli/space/inbox.h"
#include "cli/space/left_spaces.h"
#include "cli/space/opened_space.h"
#include "cli/space/unsaved.h"
#include "cli/tool.h"
#include "qr/symbol.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

// The built-in server answers for so long after the last delivery: pages and tools that still come are told that the
// receiver has finished.
constexpr Millis linger_time{2'000};

class Recv : public Tool {
 public:
  Recv(RecvSettings settings, const Options& options)
      // Not where events stand: one terminal shows either.
      : Tool("qrx-recv", settings.common,
             shows_progress(settings.common) && !(settings.common.json && term::is_terminal(STDOUT_FILENO))),
        set_(std::move(settings)),
        options_(options) {}

  int run();

 private:
  Result<void> take_link(const std::string& argument);
  Result<void> open_space();
  Result<void> open_inbox(const SpaceToOpen& plan);
  api::SpaceAddress address() const;
  receive::ReceiverOptions how_to_receive(const wire::Origin& origin) const;
  ReceiveReportOptions how_to_report(bool to_stream);
  Result<void> invite(ReceiveReport& report);
  std::optional<int> visit_left(ReceiveOutput& output);
  int finish(const Result<receive::Received>& received, ReceiveReport& report);
  void leave_space();
  void say_stopped(int signal) override;
  bool output_closed() const override { return reader_gone_; }

  RecvSettings set_;
  const Options& options_;
  std::optional<GivenLink> given_;     // where from: what was named,
  std::optional<OpenedSpace> opened_;  // or what this run opened
  std::optional<Inbox> inbox_;         // the same, when it has a name
  SharedIdentity identity_;            // null: nothing is opened
  std::optional<Asking> asking_;
  ReceiveOutput* output_ = nullptr;  // of the space that this run opened
  receive::Finished finished_;       // deliveries
  bool reader_gone_ = false;         // of -o -
};

int Recv::run() {
  if (!set_.links.empty())
    if (auto taken = take_link(set_.links.front()); !taken) return options_.usage_error(taken.error());
  ::unsetenv("QRX_IDENTITY");  // not for what is run from here
  if (set_.ask) {
    auto terminal = Asking::open("--ask");
    if (!terminal) return options_.usage_error(terminal.error());
    asking_.emplace(std::move(*terminal));
  }
  heed_signals();
  auto output = ReceiveOutput::open(set_.output, on_conflict_of(set_.on_conflict), set_.awaited() != 1);
  if (!output) return end(output.error());
  if (set_.links.empty()) {
    if (const auto ended = visit_left(*output)) return *ended;
    output->remove_stale();
    set_.space.target = place_of(set_.output, output->is_stream());
    set_.space.ask = set_.ask;
    if (auto opened = open_space(); !opened) return end(opened.error());
    output_ = &*output;
    if (opened_->own_server()) output->set_passing();
  }
  ReceiveReport report(how_to_report(output->is_stream()), messages_, facts_, progress_);
  if (opened_) {
    if (auto invited = invite(report); !invited) {
      leave_space();
      return end(invited.error());
    }
  }
  const auto* server = opened_ ? opened_->own_server() : nullptr;
  const auto ended = receive_attended(address(), how_to_receive(address().origin), report, *output, server, [this] {
    if (inbox_) inbox_->extend_when_due(life_of_inbox(set_.space));
  });
  progress_.clear();
  finished_ = ended.finished;
  reader_gone_ = ended.output_closed;
  return finish(ended.received, report);
}

// --- where from

// A space that an earlier run opened, or another machine, with its secret key; or what was shared with us.
Result<void> Recv::take_link(const std::string& argument) {
  auto link = read_given_link(argument);
  if (!link) return tl::unexpected(link.error());
  const bool shared = link->address.shared;
  for (const auto* name : {"follow", "count", "timeout", "interval"})
    if (shared && options_.on_command_line(name))
      return fail(Kind::usage, "--" + std::string(name) + " cannot be used with a shared link");
  given_ = std::move(*link);
  if (set_.seal == "off") return {};
  auto identity = set_.identity.empty() ? identity_of(*given_)
                                        : given_identity(set_.identity, !options_.on_command_line("identity"));
  if (!identity) return tl::unexpected(identity.error());
  identity_ = std::move(*identity);
  if (identity_ || set_.seal != "require") return {};
  const std::string where = shared ? "in the link" : "of this space on this machine";
  return fail(Kind::usage, "--seal require: there is no secret key " + where, "name it with --identity");
}

Result<void> Recv::open_space() {
  SpaceToOpen plan = set_.space;
  plan.server = set_.common.server;
  plan.wish.seal = wire::seal_from_text(set_.seal).value_or(wire::Seal::offer);
  if (!set_.inbox.empty()) return open_inbox(plan);
  auto opened = OpenedSpace::open(plan, messages_);
  if (!opened) return tl::unexpected(opened.error());
  opened_.emplace(std::move(*opened));
  identity_ = opened_->identity();
  return {};
}

Result<void> Recv::open_inbox(const SpaceToOpen& plan) {
  auto inbox = Inbox::take(set_.inbox);
  if (!inbox) return tl::unexpected(inbox.error());
  inbox_.emplace(std::move(*inbox));
  if (const auto& found = inbox_->found())
    if (auto same = check_reopening(set_, options_, found->link.origin); !same) return same;
  auto opened = inbox_->open(plan, messages_);
  if (!opened) return tl::unexpected(opened.error());
  opened_.emplace(std::move(*opened));
  if (set_.seal != "off") identity_ = opened_->identity();
  return {};
}

api::SpaceAddress Recv::address() const {
  return opened_ ? api::SpaceAddress(opened_->link()) : given_->address;
}

// --- receiving

receive::ReceiverOptions Recv::how_to_receive(const wire::Origin& origin) const {
  receive::ReceiverOptions how = cli::how_to_receive(set_, origin);
  how.client.interrupt = interrupt_;
  how.present_only = !opened_ && !set_.follow && !set_.count && !set_.timeout;
  how.keep = set_.space.keep || !opened_;
  how.remember = opened_.has_value();
  how.take_up = inbox_.has_value();
  if (opened_ && opened_->own_server()) how.linger = linger_time;
  how.identity = identity_;
  how.refuse_sealed = given_ && given_->address.shared && !identity_ && set_.seal != "off";
  return how;
}

ReceiveReportOptions Recv::how_to_report(bool to_stream) {
  ReceiveReportOptions how = cli::how_to_report(set_, to_stream);
  how.asking = asking_ ? &*asking_ : nullptr;
  how.download = !opened_;
  if (opened_ && opened_->own_server())
    how.when_nobody_comes = "Nothing yet. Same Wi-Fi? Firewall on TCP " +
                            std::to_string(opened_->own_server()->shown().port) + "? Try --bind, -s (Ctrl-C to stop)";
  if ((opened_ || given_) && !address().shared) how.space = address().name.text();
  return how;
}

Result<void> Recv::invite(ReceiveReport& report) {
  std::optional<LinkWords> words;
  if (set_.common.json || set_.common.verbose > 0 || !set_.poster.empty() ||
      (term::is_terminal(STDERR_FILENO) && !messages_.quiet()))
    words.emplace(opened_->drop());
  auto symbol = qr::make_symbol(opened_->drop().text());
  if (!symbol) return tl::unexpected(symbol.error());
  if (!set_.qr_file.empty())
    if (auto written = write_qr_file(set_.qr_file, *symbol, set_.invert); !written) return written;
  if (words && !words->get()) return tl::unexpected(words->get().error());
  const std::string shown_words = words ? *words->get() : "";
  if (!set_.poster.empty())
    if (auto drawn = write_poster(set_.poster, opened_->kept().label, opened_->drop(), shown_words, *symbol); !drawn)
      return drawn;
  if (auto told = facts_.event(opened_->event(shown_words)); !told) return told;
  report.invite(invitation_of(set_, *opened_, shown_words, std::move(*symbol)));
  return {};
}

// --- afterwards

int Recv::finish(const Result<receive::Received>& received, ReceiveReport& report) {
  if (!received || report.output_failed()) {
    const int code = end(report.output_failed() ? *report.output_failed() : received.error());
    leave_space();
    return code;
  }
  const bool signalled = ended_by() != 0;  // after all was done, while senders were told so
  if (auto told = report.done(*received); !told) {
    leave_space();
    return end(told.error());
  }
  if (opened_) opened_->stay(messages_);
  if (received->left > 0) messages_.warn("more arrived after the stream ended; not written");
  leave_space();
  if (ended_by() != 0 && !signalled) return end({});
  if (received->first_refusal) return exit_code(received->first_refusal->kind);
  if (report.hook_failed() || received->left > 0) return exit_partly;
  return exit_done;
}

void Recv::leave_space() {
  if (inbox_) return;  // the next run goes on with it
  // Of a built-in server everything is fetched again in no time; of a named one a later run goes on.
  if (opened_) {
    const bool own = opened_->own_server() != nullptr;
    if (own) output_->discard_parts();
    if (opened_->end(finished_, output_->parts(), messages_, facts_)) output_->discard_parts();
  } else if (given_ && !given_->address.shared) {
    forget_left_run(given_->address.name, finished_);
  }
}

void Recv::say_stopped(int signal) {
  if (signal == SIGINT && term::is_terminal(STDERR_FILENO)) messages_.raw("\n");
  if (inbox_)
    messages_.notice("stopped; what is sent meanwhile waits in the inbox");
  else
    messages_.warn(set_.space.keep || !opened_ ? "stopped" : "stopped; the link no longer works");
}

// --- what earlier runs left

// How the run ends here, if it does.
std::optional<int> Recv::visit_left(ReceiveOutput& output) {
  const LeftWanted wanted{place_of(set_.output, output.is_stream()), set_.ask, set_.resume};
  LeftSaving saving(set_, asking_ ? &*asking_ : nullptr, output, messages_, facts_, progress_, interrupt_);
  const auto save = [&](const UnsavedSpace& space, const SharedIdentity& identity) {
    return saving.save(space, identity);
  };
  const std::size_t found = visit_left_runs(wanted, save, messages_, facts_);
  if (ended_by() != 0 || facts_.closed()) return end({});
  if (set_.resume.empty()) return std::nullopt;  // what could not be saved was said
  if (found == 0)
    return end(
        {Kind::not_found, "nothing left to save from " + (set_.resume == "all" ? "earlier runs" : set_.resume), {}});
  return saving.exit_code();
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
