#include "cli/serve/serve_commands.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/notify_settings.h"
#include "cli/places.h"
#include "cli/serve/serve_options.h"
#include "notify/courier.h"
#include "process/find_program.h"
#include "serve/operations/operate.h"

namespace qrx::cli {
namespace {

std::string summary(const space::Spaces::Swept& swept) {
  return "deleted " + std::to_string(swept.spaces) + (swept.spaces == 1 ? " space and " : " spaces and ") +
         std::to_string(swept.uploads) + (swept.uploads == 1 ? " upload, " : " uploads, ") + format_size(swept.bytes);
}

std::string_view state_of(space::Phase phase) {
  return phase == space::Phase::open ? "open" : phase == space::Phase::closed ? "closed" : "blocked";
}

}  // namespace

int report_failure(Messages& messages, const Error& error) {
  messages.error(error);
  return exit_code(error.kind);
}

int run_sweep(const ServeSettings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report_failure(messages, data.error());
  const auto swept = serve::sweep_data(*data);
  if (!swept) return report_failure(messages, swept.error());
  if (settings.common.json) {
    StdoutWriter to_stdout(true);
    const auto told = to_stdout.event(
        Event("swept").number("spaces", swept->spaces).number("uploads", swept->uploads).number("bytes", swept->bytes));
    if (!told) return report_failure(messages, told.error());
  }
  // Each by its name; what is left is swept next time.
  for (const std::string& failure : swept->failures) messages.warn("not deleted: " + escape_untrusted(failure));
  messages.detail(summary(*swept));
  return swept->failures.empty() ? exit_done : exit_code(Kind::unavailable);
}

int run_notify_check(const ServeSettings& settings, const Config& config, Messages& messages) {
  const auto to = wire::parse_recipient(settings.notify);
  if (!to) return report_failure(messages, to.error());
  auto notices = notify_settings(config);
  if (!notices) return report_failure(messages, notices.error());
  auto helper = process::find_own_program("qrx-notify");
  if (!helper) return report_failure(messages, helper.error());
  notify::Courier courier(std::move(*helper), std::move(*notices));
  if (!courier.has(to->channel)) {
    const std::string name(wire::to_text(to->channel));
    return report_failure(messages, Error{Kind::other, "there is no transport for " + settings.notify,
                                          "configure [notify." + name + "]: qrx-serve.toml(5)"});
  }
  notify::Notice notice;
  notice.id = Id::random();
  notice.to = *to;
  notice.from = "qrx-serve check";
  notice.message = "This is a test: there is nothing to download.";
  // A link that leads nowhere: .invalid is never a name (RFC 2606).
  notice.link = settings.public_url ? settings.public_url->url() + "/" : "https://qrx.invalid/";
  notice.summary = "Test: nothing";
  const notify::Outcome outcome = courier.send(notice);
  StdoutWriter to_stdout(settings.common.json);
  const std::string state = outcome.state == notify::Outcome::State::sent      ? "sent"
                            : outcome.state == notify::Outcome::State::later   ? "later"
                            : outcome.state == notify::Outcome::State::unknown ? "unknown"
                                                                               : "failed";
  (void)to_stdout.event(
      Event("notice").text("to", wire::to_text(*to)).text("state", state).text("reason", outcome.reason));
  (void)to_stdout.line(wire::to_text(*to) + "\t" + state);
  if (outcome.state == notify::Outcome::State::sent) return exit_done;
  const bool later = outcome.state == notify::Outcome::State::later;
  return report_failure(
      messages, Error{later ? Kind::unavailable : Kind::other, "the test notice was not sent: " + outcome.reason, {}});
}

int run_check(const ServeSettings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report_failure(messages, data.error());
  StdoutWriter to_stdout(settings.common.json);
  const auto checked = serve::check_data(*data, [&to_stdout](const std::string& finding) {
    (void)to_stdout.event(Event("finding").text("text", finding));
    (void)to_stdout.line(escape_untrusted(finding));
  });
  if (!checked) return report_failure(messages, checked.error());
  (void)to_stdout.event(Event("checked")
                            .number("files", checked->files)
                            .number("bytes", checked->bytes)
                            .number("missing", checked->missing)
                            .number("corrupt", checked->corrupt)
                            .number("orphans", checked->orphans));
  messages.say(std::to_string(checked->files) + " files, " + format_size(checked->bytes) + ": " +
               std::to_string(checked->missing) + " missing, " + std::to_string(checked->corrupt) + " corrupt, " +
               std::to_string(checked->orphans) + " orphans");
  return checked->missing + checked->corrupt > 0 ? exit_code(Kind::integrity) : exit_done;
}

int run_list(const ServeSettings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report_failure(messages, data.error());
  StdoutWriter to_stdout(settings.common.json);
  const auto listed = serve::list_spaces(*data, [&to_stdout](const space::SpaceSummary& space) {
    const std::string state(state_of(space.phase));
    (void)to_stdout.event(Event("space")
                              .text("guid", space.guid.text())
                              .text("state", state)
                              .number("files", space.files)
                              .number("bytes", space.bytes)
                              .number("uploads", space.uploads)
                              .text("created", to_rfc3339(space.created))
                              .text("expires", to_rfc3339(space.expires))
                              .text("label", space.label));
    (void)to_stdout.line(space.guid.text() + "\t" + state + "\t" + std::to_string(space.files) + "\t" +
                         std::to_string(space.bytes) + "\t" + to_rfc3339(space.expires) + "\t" +
                         escape_untrusted(space.label));
  });
  return listed ? exit_done : report_failure(messages, listed.error());
}

int run_change(const ServeSettings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report_failure(messages, data.error());
  std::size_t failed = 0;
  int code = exit_done;
  // Each on its own: one that is wrong does not keep the others from being blocked.
  for (const std::string& text : settings.guids) {
    const auto guid = Guid::parse(text);
    const auto done = !guid ? fail(Kind::usage, "'" + escape_untrusted(text) + "' is not the GUID of a space")
                      : settings.block ? serve::block_space(*data, *guid)
                                       : serve::delete_space(*data, *guid);
    if (done) continue;
    ++failed;
    code = report_failure(messages, done.error());
  }
  return failed > 0 && failed < settings.guids.size() ? exit_partly : code;
}

int run_migrate(const ServeSettings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report_failure(messages, data.error());
  // Only several nodes need it as a step of its own: they must not change the tables while others run.
  if (data->module.address.empty())
    return report_failure(messages, Error{Kind::usage, "migrate is for a catalog in PostgreSQL",
                                          "other catalogs are brought up to date when the server starts"});
  const auto changed = serve::migrate_catalog(data->module);
  if (!changed) return report_failure(messages, changed.error());
  messages.say(*changed ? "the tables are up to date now" : "the tables were up to date");
  return exit_done;
}

}  // namespace qrx::cli
