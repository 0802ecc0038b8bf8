// qrx-scan BUDGET_MS [any]                     the private helper that finds QR codes in the picture on its stdin
// qrx-scan watch camera|film|live [any]        the same in the pictures of a camera (stdin is the V4L2 device), or in
//                                              PGM pictures one after another, of which live ones are skipped when
//                                              there are newer; until a drop link (any: any code) is read
// qrx-scan show WIDTH HEIGHT                   the picture on its stdin as pixels in colours, at most so many
//                                              (src/vision/small_picture.h)
//
// Started by scan_picture (src/vision/scan_client.h) and watch (src/vision/watch_client.h); answers on stdout in the
// form of src/vision/scan_report.h and watch_report.h. Before it reads the picture it shuts itself in
// (src/vision/sandbox.h); its first twelve bytes are looked at before, to load what decodes HEIC and AVIF. A picture
// that takes it over can compute, and say something wrong, and nothing else. Without seccomp it refuses to work,
// exit 3.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "base/write_all.h"
#include "vision/colour.h"
#include "vision/frames_camera.h"
#include "vision/frames_pgm.h"
#include "vision/heif_library.h"
#include "vision/picture_scan.h"
#include "vision/sandbox.h"
#include "vision/scan_client.h"
#include "vision/search_codes.h"
#include "vision/small_picture.h"
#include "vision/watch.h"
#include "vision/watch_writer.h"
#include "wire/link.h"

namespace {

using namespace qrx;
using namespace qrx::vision;

bool read_all(std::vector<std::byte>& out) {
  constexpr std::size_t least = 1 << 14, most = 1 << 20;
  std::size_t size = 0;
  for (;;) {
    // Most codes are small files, and each page of memory is work for the system.
    const std::size_t step = std::clamp(size, least, most);
    out.resize(size + step);
    const ssize_t got = ::read(0, out.data() + size, step);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    size += static_cast<std::size_t>(got);
    out.resize(size);
    if (got == 0 || size > most_picture_bytes) return true;
  }
}

int answer(const ScanReport& report) {
  return write_all(STDOUT_FILENO, format_scan_report(report)) ? 0 : 1;
}

// To check the type behind a virtual call UBSan makes a pipe, which kills in the sandbox.
__attribute__((no_sanitize("vptr"))) int watch(Frames* frames, ScanStatus why, bool any) {
  WatchWriter writer;
  if (!writer.begin()) return 1;
  if (!frames) return writer.end(why) ? 0 : 1;
  Watch watcher(any);
  while (const Gray* gray = frames->next()) {
    const SearchResult found = watcher.look(*gray);
    if (!writer.tell(found, *gray) || !writer.show(*gray, watcher.hint())) return 1;
    const auto wanted = [&](const std::string& text) { return any || wire::parse_drop_link(text).has_value(); };
    if (std::ranges::any_of(found.texts, wanted)) return writer.end(ScanStatus::searched) ? 0 : 1;
  }
  return writer.end(frames->why()) ? 0 : 1;
}

int scan_stdin(const SearchOptions& options) {
  if (!enter_sandbox(Sandbox::picture)) return scan_exit_no_sandbox;
  std::vector<std::byte> bytes;
  return read_all(bytes) ? answer(scan_bytes(bytes, options)) : 1;
}

int watch_stdin(std::string_view source, bool any) {
  ScanStatus why = ScanStatus::searched;
  std::unique_ptr<Frames> frames;
  if (source == "camera")
    frames = frames_of_camera(0, why);
  else
    frames = frames_of_pgm(0, source == "live");
  if (!enter_sandbox(source == "camera" ? Sandbox::camera : Sandbox::frames)) return scan_exit_no_sandbox;
  return watch(frames.release(), why, any);  // never freed: see the end of main()
}

// Nothing on stdout and exit 1 when there is nothing to show.
int show_stdin(int width, int height) {
  if (!enter_sandbox(Sandbox::picture)) return scan_exit_no_sandbox;
  std::vector<std::byte> bytes;
  if (!read_all(bytes) || bytes.size() > most_picture_bytes) return 1;
  const auto picture = decode_small(bytes, width, height);
  return picture && write_all(STDOUT_FILENO, format_small_picture(*picture)) ? 0 : 1;
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

struct Job {
  enum class What : std::uint8_t { scan, watch, show };
  What what = What::scan;
  SearchOptions options;
  std::string_view source;    // of what is watched
  int width = 0, height = 0;  // at most, of what is shown
};

bool is_side(int pixels) {
  return pixels >= 1 && pixels <= SmallPicture::longest_side;
}

std::optional<Job> read_job(std::vector<std::string_view> words) {
  Job job;
  if (words.size() == 3 && words[0] == "show") {
    job.what = Job::What::show;
    const bool has_size = read_number(words[1], job.width) && read_number(words[2], job.height);
    return has_size && is_side(job.width) && is_side(job.height) ? std::optional(job) : std::nullopt;
  }
  job.options.any = !words.empty() && words.back() == "any";
  if (job.options.any) words.pop_back();
  if (words.size() == 2 && words[0] == "watch") {
    job.what = Job::What::watch;
    job.source = words[1];
    return job.source == "camera" || job.source == "film" || job.source == "live" ? std::optional(job) : std::nullopt;
  }
  unsigned budget = 0;
  if (words.size() != 1 || !read_number(words[0], budget)) return std::nullopt;
  job.options.budget = std::chrono::milliseconds(budget);
  return job;
}

int run(const Job& job) {
  switch (job.what) {
    case Job::What::scan:
      return scan_stdin(job.options);
    case Job::What::watch:
      return watch_stdin(job.source, job.options.any);
    case Job::What::show:
      return show_stdin(job.width, job.height);
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto job = read_job({argv + 1, argv + argc});
  if (!job) return 2;
  if (job->what != Job::What::show) warm_up_search();
  if (job->what != Job::What::watch) prepare_for_heif();
  int status = 1;
  try {
    status = run(*job);
  } catch (const std::bad_alloc&) {
    ScanReport report;
    report.status = ScanStatus::damaged;
    if (job->what == Job::What::scan) status = answer(report);
  }
  // No destructor of any library runs after a hostile picture was read.
  _exit(status);
}
