// qrx-serve: serves spaces; sweep and check look after its data, beside a running server or without one.
#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "base/thrown.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/serve/copy_command.h"
#include "cli/serve/serve_commands.h"
#include "cli/serve/serve_options.h"
#include "cli/serve/serve_settings.h"
#include "cli/serve/serve_signals.h"
#include "cli/user_messages.h"
#include "serve/log.h"
#include "serve/operations/daemon.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

int serve_until_stopped(const ServeSettings& settings, const Config& config, Messages& messages) {
  const auto options = daemon_options(settings, config);
  if (!options) return report_failure(messages, options.error());
  const UniqueFd signals = take_signals();
  const UniqueFd ended(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !ended) return report_failure(messages, fail_errno("cannot make an event descriptor").value());

  const int verbosity = settings.common.quiet ? -1 : settings.common.verbose;
  const serve::Log log(settings.log == "json" ? serve::LogForm::json : serve::LogForm::text, verbosity,
                       [](const std::string& line) { (void)write_all(STDERR_FILENO, line); });
  StartingSignals starting(signals);
  const auto daemon = serve::Daemon::open(*options, log);
  if (!daemon) return report_failure(messages, daemon.error());
  if (starting.end()) (*daemon)->reload();

  Result<void> result;
  std::thread serving;
  try {
    serving = std::thread([&] {
      result = catching([&] { return (*daemon)->run(); });
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(ended.get(), &one, sizeof one);
    });
  } catch (const std::system_error& error) {
    return report_failure(messages,
                          Error{Kind::unavailable, std::string("cannot start a thread: ") + error.what(), {}});
  }
  StdoutWriter to_stdout(settings.common.json);
  const std::string base = (*daemon)->base().url();
  (void)to_stdout.event(Event("ready").text("url", base));
  (void)to_stdout.line(base);
  obey_signals(**daemon, signals, ended);
  serving.join();
  return result ? exit_done : report_failure(messages, result.error());
}

}  // namespace

int main(int argc, char** argv) {
  ServeSettings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  Messages messages("qrx-serve");
  messages.set_quiet(settings.common.quiet);
  messages.set_verbosity(settings.common.verbose);
  if (settings.sweep + settings.check + settings.list + settings.block + settings.remove + settings.migrate +
          settings.copy >
      1)
    return options.usage_error("only one command can be given");
  const bool names_spaces = settings.block || settings.remove;
  if (names_spaces && settings.guids.empty())
    return options.usage_error("name the spaces by their GUID: see qrx-serve list");
  if (!names_spaces && !settings.guids.empty())
    return options.usage_error("'" + escape_untrusted(settings.guids.front()) + "' is not a command");
  if (settings.migrate) return run_migrate(settings, messages);
  if (settings.copy == settings.from.empty()) return options.usage_error("copy and --from need each other");
  if (settings.copy) return run_copy(settings, messages);
  if (settings.list) return run_list(settings, messages);
  if (names_spaces) return run_change(settings, messages);
  if (settings.sweep) return run_sweep(settings, messages);
  if (!settings.notify.empty() && !settings.check) return options.usage_error("--notify needs the command check");
  if (settings.check && !settings.notify.empty()) return run_notify_check(settings, options.config(), messages);
  if (settings.check) return run_check(settings, messages);
  try {
    return serve_until_stopped(settings, options.config(), messages);
  } catch (const std::exception& error) {  // short memory, mostly
    return report_failure(messages, Error{Kind::unavailable, std::string("cannot continue: ") + error.what(), {}});
  }
}
