#include "vision/watch_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "base/time_left.h"
#include "process/child.h"
#include "process/pipe.h"
#include "vision/film.h"
#include "vision/scan_client.h"
#include "wire/link.h"

namespace qrx::vision {
namespace {

constexpr std::uint64_t most_memory = 1024ull << 20;
// Video4Linux numbers its devices from 0 to 63 by default.
constexpr int last_camera = 63;

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<process::Child> start_scan(const std::string& helper, const WatchSource& source, int in, int out, bool any) {
  process::ChildPlan plan;
  plan.path = helper;
  plan.arguments = {"qrx-scan", "watch"};
  plan.arguments.emplace_back(source.what == WatchSource::What::camera ? "camera"
                              : source.what == WatchSource::What::film ? "film"
                                                                       : "live");
  if (any) plan.arguments.emplace_back("any");
  plan.environment = scan_environment();
  plan.in = in;
  plan.out = out;
  plan.in_root = true;
  // No limit of processor time: it watches as long as people like.
  plan.limits.emplace().memory_bytes = most_memory;
  return process::Child::start(plan);
}

enum class Ending : std::uint8_t { end_of_output, nonsense, timed_out, stopped };

Ending follow(int out, WatchReader& reader, const std::optional<Steady>& deadline, int stop) {
  std::array<char, 16384> buffer;
  for (;;) {
    std::array<pollfd, 2> waits{{{out, POLLIN, 0}, {stop, POLLIN, 0}}};
    const int left = milliseconds_left(deadline);
    if (left == 0) return Ending::timed_out;
    const int ready = poll(waits.data(), waits.size(), left);
    if (ready < 0 && errno != EINTR) return Ending::nonsense;
    if (ready <= 0) continue;
    if (waits[1].revents != 0) return Ending::stopped;
    if (waits[0].revents == 0) continue;
    const ssize_t got = read(out, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Ending::end_of_output;
    if (!reader.take({buffer.data(), static_cast<std::size_t>(got)})) return Ending::nonsense;
  }
}

tl::unexpected<Error> no_camera(const std::string& path, int error) {
  if (error == ENOENT || error == ENODEV || error == ENXIO)
    return fail(Kind::other, "there is no camera" + (path.empty() ? "" : " " + escape_untrusted(path)),
                std::string(other_ways));
  const auto failed = fail_errno("cannot open the camera " + escape_untrusted(path), error);
  const std::string hint = error == EACCES ? "are you in the group video? " : "";
  return fail(failed.value().kind, failed.value().what, hint + std::string(other_ways));
}

Result<WatchSource> open_camera(const std::string& path) {
  WatchSource source;
  source.name = path;
  // O_NONBLOCK: opening a camera must not wait for another program; the helper polls.
  source.file.reset(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!source.file) return no_camera(path, errno);
  return source;
}

Result<WatchSource> open_film(const std::string& path) {
  WatchSource source;
  source.what = WatchSource::What::film;
  source.name = path == "-" ? "stdin" : path;
  // F_DUPFD_CLOEXEC, so that the caller keeps its stdin.
  source.file.reset(path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!source.file) return fail_errno("cannot read " + escape_untrusted(path));
  return source;
}

}  // namespace

Result<WatchSource> open_watch_source(const std::string& text) {
  if (text.empty()) return fail(Kind::usage, "an empty name is no camera");
  if (is_number(text)) return open_camera("/dev/video" + text);
  if (text == "-") return open_film(text);
  if (const auto colon = text.find("://"); colon != std::string::npos && text.find('/') > colon) {
    if (!is_stream_address(text))
      return fail(Kind::usage,
                  "cannot watch " + escape_untrusted(text) + ": streams are http://, https:// and rtsp:// addresses");
    WatchSource source;
    source.what = WatchSource::What::stream;
    source.url = source.name = text;
    return source;
  }
  struct stat facts {};
  if (stat(text.c_str(), &facts) != 0) {
    if (errno == ENOENT && text.starts_with("/dev/video")) return no_camera(text, ENOENT);
    return fail_errno("cannot read " + escape_untrusted(text));
  }
  if (S_ISCHR(facts.st_mode)) return open_camera(text);
  if (S_ISDIR(facts.st_mode)) return fail_errno("cannot read " + escape_untrusted(text), EISDIR);
  return open_film(text);
}

Result<WatchSource> open_first_camera() {
  std::optional<Error> denied;
  for (int i = 0; i <= last_camera; ++i) {
    const std::string path = "/dev/video" + std::to_string(i);
    auto camera = open_camera(path);
    // A machine has several nodes for one camera; metadata and outputs are passed over.
    if (camera && takes_pictures(camera->file.get())) return camera;
    // There is one, but not for us: that is a better answer than "no camera".
    if (!camera && access(path.c_str(), F_OK) == 0 && !denied) denied = camera.error();
  }
  if (denied) return tl::unexpected(*denied);
  return no_camera("", ENOENT);
}

Result<ScanReport> watch(const WatchSource& source, const WatchOptions& options) {
  std::string helper = options.helper;
  if (helper.empty()) {
    auto found = find_scan_helper();
    if (!found) return tl::unexpected(found.error());
    helper = *found;
  }
  std::optional<Film> film;  // dies with this
  if (source.what != WatchSource::What::camera) {
    auto started = start_film({options.ffmpeg, source.file.get(), source.url});
    if (!started) return tl::unexpected(started.error());
    film = std::move(*started);
  }
  auto out = process::make_pipe();
  if (!out) return tl::unexpected(out.error());
  const int in = film ? film->pictures.get() : source.file.get();
  auto scan = start_scan(helper, source, in, out->write.get(), options.any);
  if (!scan) return tl::unexpected(no_scan_helper(scan.error()));
  out->write.reset();
  if (film) film->pictures.reset();  // else ffmpeg would never learn that nobody reads any more
  WatchReader reader;
  reader.view = options.view;
  reader.text = [&](const std::string& text) {
    if (options.other_code && !wire::parse_drop_link(text)) options.other_code(text);
  };
  std::optional<Steady> deadline;
  if (options.timeout) deadline = std::chrono::steady_clock::now() + *options.timeout;
  const Ending ending = follow(out->read.get(), reader, deadline, options.stop);
  // Stopped or hostile: not waited for.
  const process::Ended ended = scan->end(ending == Ending::end_of_output ? helper_lingers : Millis{0});
  if (film) film->ffmpeg.end(Millis{0});

  if (ending == Ending::stopped) return fail(Kind::other, "stopped");
  ScanReport report;
  report.status = ending == Ending::timed_out ? ScanStatus::timed_out : ScanStatus::crashed;
  if (ending != Ending::end_of_output) return report;
  if (reader.empty() && ended.status == scan_exit_no_sandbox) return tl::unexpected(no_sandbox());
  auto whole = reader.report();
  if (!ended.well() || !whole) return report;
  // It wrote nothing that is a picture: ffmpeg's own words say more.
  if (whole->status == ScanStatus::not_a_picture && source.what != WatchSource::What::camera)
    return fail(source.what == WatchSource::What::stream ? Kind::unavailable : Kind::no_code,
                "cannot read " + escape_untrusted(source.name) + ": no video", first_complaint(film->complaints.get()));
  return std::move(*whole);
}

}  // namespace qrx::vision
