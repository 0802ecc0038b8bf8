// qrx-scan BUDGET_MS [any]: the private helper that finds QR codes in the picture on its stdin.
// qrx-scan watch camera|film|live [any]: the same in the pictures of a camera (stdin is the V4L2 device) or in PGM
// pictures one after another, of which live ones are skipped when there are newer; until a drop link (any: any code) is
// read. qrx-scan show WIDTH HEIGHT: the picture on its stdin as pixels in colours, at most so many
// (src/vision/small_picture.h).
//
// Started by scan_picture (src/vision/scan_client.h) and watch (src/vision/watch_client.h); answers on stdout in the
// form of src/vision/scan_report.h and watch_report.h. Before it reads a byte of the picture it shuts itself in
// (src/vision/sandbox.h): a picture that takes it over can compute, and say something wrong, and nothing else. Without
// seccomp it refuses to work, exit 3.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <new>
#include <string_view>

#include "base/write_all.h"
#include "vision/colour.h"
#include "vision/frames_camera.h"
#include "vision/frames_pgm.h"
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
  constexpr std::size_t step = 1 << 18;
  std::size_t size = 0;
  for (;;) {
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
  return watch(frames.release(), why, any);
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

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const bool any = !words.empty() && words.back() == "any";
  const std::size_t count = words.size() - (any ? 1 : 0);
  const bool watches =
      count == 2 && words[0] == "watch" && (words[1] == "camera" || words[1] == "film" || words[1] == "live");
  SearchOptions options;
  options.any = any;
  int width = 0, height = 0;
  const bool shows =
      words.size() == 3 && words[0] == "show" && read_number(words[1], width) && read_number(words[2], height);
  unsigned budget = 0;
  if (shows ? width < 1 || height < 1 || width > SmallPicture::longest_side || height > SmallPicture::longest_side
            : !watches && (count != 1 || !read_number(words[0], budget)))
    return 2;
  options.budget = std::chrono::milliseconds(budget);
  if (!shows) warm_up_search();
  int status = 1;
  try {
    status = shows ? show_stdin(width, height) : watches ? watch_stdin(words[1], any) : scan_stdin(options);
  } catch (const std::bad_alloc&) {
    ScanReport report;
    report.status = ScanStatus::damaged;
    status = watches || shows ? 1 : answer(report);
  }
  // No destructor of any library runs after a hostile picture was read.
  _exit(status);
}
