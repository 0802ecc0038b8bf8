#include "cli/serve/copy_command.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/text.h"
#include "base/units.h"
#include "cli/config_file.h"
#include "cli/counts.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/serve/serve_commands.h"
#include "cli/serve/serve_options.h"
#include "cli/tool.h"
#include "serve/operations/copy_data.h"
#include "term/progress.h"

namespace qrx::cli {
namespace {

namespace fs = std::filesystem;

// For the lock and the spool of a node that only copies: it has no data of its own.
class PassingDirectory {
 public:
  ~PassingDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Result<std::string> path() {
    if (!path_.empty()) return path_;
    const char* given = std::getenv("TMPDIR");
    std::string path = std::string(given && *given ? given : "/tmp") + "/qrx-copy-XXXXXX";
    if (!::mkdtemp(path.data()))
      return fail_errno("cannot make a directory in " + fs::path(path).parent_path().string());
    return path_ = path;
  }

 private:
  std::string path_;
};

bool is_cluster(const ServeSettings& settings) {
  return settings.catalog.starts_with("postgres");
}

// The other server: by its data directory, or by its configuration file.
Result<ServeSettings> settings_of(const std::string& from) {
  ServeSettings out;
  std::error_code error;
  if (fs::is_directory(from, error)) {
    out.data = from;
    return out;
  }
  const auto config = read_config(from, true);
  if (!config) return tl::unexpected(config.error());
  const auto top = config->find("");
  const auto text = [&](const char* key) -> std::string {
    if (top == config->end()) return {};
    const auto found = top->second.find(key);
    return found == top->second.end() || found->second.empty() ? std::string() : found->second.front();
  };
  out.data = text("data");
  out.catalog = text("catalog");
  out.blobs = text("blobs");
  out.s3_region = text("s3-region");
  out.s3_ca = text("s3-ca");
  out.s3_credentials = text("s3-credentials");
  out.s3_path_style = parse_truth(text("s3-path-style")).value_or(false);
  out.s3_insecure = parse_truth(text("s3-insecure")).value_or(false);
  if (const std::string endpoint = text("s3-endpoint"); !endpoint.empty()) {
    auto origin = wire::Origin::parse(endpoint);
    if (!origin) return fail(Kind::usage, from + ": s3-endpoint: " + origin.error().what, origin.error().hint);
    out.s3_endpoint = std::move(*origin);
  }
  return out;
}

// A cluster is not in a directory; without one of its own the other's would be locked twice.
Result<serve::DataOptions> options_of(ServeSettings settings, PassingDirectory& passing) {
  if (is_cluster(settings) && settings.data.empty()) {
    auto path = passing.path();
    if (!path) return tl::unexpected(path.error());
    settings.data = std::move(*path);
  }
  return data_options(settings);
}

std::string summary(const space::Copied& copied) {
  std::string text = "copied " + std::to_string(copied.spaces) + (copied.spaces == 1 ? " space (" : " spaces (") +
                     count_of_files(copied.files) + ", " + format_size(copied.bytes) + ")";
  if (copied.there > 0) text += "; " + std::to_string(copied.there) + " were there already";
  return text;
}

}  // namespace

int run_copy(const ServeSettings& settings, Messages& messages) {
  if (!is_cluster(settings) && settings.data.empty())
    return report_failure(messages, Error{Kind::usage, "copy needs to know where to",
                                          "name --data DIR, or --catalog postgresql://… with --blobs"});
  auto source = settings_of(settings.from);
  if (!source) return report_failure(messages, source.error());
  PassingDirectory of_source, of_target;
  const auto from = options_of(std::move(*source), of_source);
  if (!from) return report_failure(messages, from.error());
  const auto to = options_of(settings, of_target);
  if (!to) return report_failure(messages, to.error());
  term::ProgressLine progress(STDERR_FILENO, shows_progress(settings.common));
  messages.before_each([&progress] { progress.clear(); });
  const auto copied = serve::copy_data(*from, *to, [&](const space::Copied& so_far, const space::Catalog::Totals& all) {
    progress.update("copying", so_far.bytes, all.bytes);
  });
  progress.clear();
  messages.before_each({});
  if (!copied) return report_failure(messages, copied.error());
  for (const std::string& failure : copied->failures) messages.warn(escape_untrusted(failure));
  StdoutWriter to_stdout(settings.common.json);
  (void)to_stdout.event(Event("copied")
                            .number("spaces", copied->spaces)
                            .number("files", copied->files)
                            .number("bytes", copied->bytes)
                            .number("there", copied->there)
                            .number("failures", copied->failures.size()));
  messages.say(summary(*copied));
  return copied->failures.empty() ? exit_done : exit_code(Kind::integrity);
}

}  // namespace qrx::cli
