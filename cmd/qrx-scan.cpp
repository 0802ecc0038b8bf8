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
#include <ctime>
#include <new>
#include <string_view>

#include "base/bytes.h"
#include "base/write_all.h"
#include "vision/colour.h"
#include "vision/decode_picture.h"
#include "vision/frames_camera.h"
#include "vision/frames_pgm.h"
#include "vision/picture_gif.h"
#include "vision/sandbox.h"
#include "vision/scan_client.h"
#include "vision/search_codes.h"
#include "vision/watch.h"
#include "vision/watch_report.h"
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

// A code that comes up later in a moving picture. The first frame was looked at; all others share one budget.
SearchResult search_later_frames(const std::vector<std::byte>& bytes, SearchOptions options) {
  constexpr int most_frames = 200;
  const std::clock_t start = std::clock();
  const auto budget = options.budget;
  SearchResult found;
  options.colours = nullptr;
  int number = 0;
  each_gif_frame(bytes, most_pixels, [&](const Gray& gray) {
    if (number++ == 0) return true;
    if (budget.count() > 0) {
      options.budget = budget - std::chrono::milliseconds((std::clock() - start) * 1000 / CLOCKS_PER_SEC);
      if (options.budget.count() <= 0) return false;
    }
    found = search_codes(gray, options);
    return found.texts.empty() && number < most_frames;
  });
  return found;
}

ScanReport scan(const std::vector<std::byte>& bytes, SearchOptions options) {
  ScanReport report;
  if (bytes.size() > most_picture_bytes) {
    report.status = ScanStatus::too_large;
    return report;
  }
  const Picture picture = decode_picture(bytes);
  switch (picture.fault) {
    case PictureFault::none:
      break;
    case PictureFault::unknown_format:
      report.status = ScanStatus::not_a_picture;
      return report;
    case PictureFault::unread_format:
      report.status = ScanStatus::not_read_format;
      return report;
    case PictureFault::damaged:
      report.status = ScanStatus::damaged;
      return report;
    case PictureFault::too_large:
      report.status = ScanStatus::too_large;
      return report;
  }
  options.screenshot = picture.format == PictureFormat::png || picture.format == PictureFormat::bmp ||
                       picture.format == PictureFormat::svg;
  options.colours = [&bytes](int side) { return decode_colours(bytes, side); };
  SearchResult found = search_codes(picture.gray, options);
  if (found.texts.empty() && picture.format == PictureFormat::gif) found = search_later_frames(bytes, options);
  report.texts = std::move(found.texts);
  report.step = std::move(found.step);
  report.width = static_cast<std::uint32_t>(picture.gray.width);
  report.height = static_cast<std::uint32_t>(picture.gray.height);
  if (report.texts.empty() && !picture.complete) report.status = ScanStatus::damaged;
  return report;
}

int answer(const ScanReport& report) {
  return write_all(STDOUT_FILENO, format_scan_report(report)) ? 0 : 1;
}

// Texts and views as they come; what format_scan_report writes at the end is the same as if it had been said at once.
class Teller {
 public:
  bool begin() { return write_all(STDOUT_FILENO, lines_of({}, false)); }
  bool tell(const SearchResult& found, const Gray& gray) {
    report_.width = static_cast<std::uint32_t>(gray.width);
    report_.height = static_cast<std::uint32_t>(gray.height);
    for (const std::string& text : found.texts) {
      if (report_.texts.size() == ScanReport::most_texts ||
          std::ranges::find(report_.texts, text) != report_.texts.end())
        continue;
      if (report_.texts.empty()) report_.step = found.step;
      report_.texts.push_back(text);
      if (!write_all(STDOUT_FILENO, "text " + to_base64(as_bytes(text)) + "\n")) return false;
    }
    return true;
  }
  bool show(const Gray& gray, AimHint hint) {
    constexpr std::chrono::milliseconds pause{90};
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < pause) return true;
    shown_ = now;
    return write_all(STDOUT_FILENO, format_watch_view(small_view(gray, hint)));
  }
  bool end(ScanStatus status) {
    if (report_.texts.empty()) report_.status = status;
    return write_all(STDOUT_FILENO, lines_of(report_, true));
  }

 private:
  // The first line, or the last one.
  static std::string lines_of(const ScanReport& report, bool last) {
    std::string text = format_scan_report(report);
    return last ? text.substr(text.rfind('\n', text.size() - 2) + 1) : text.substr(0, text.find('\n') + 1);
  }
  ScanReport report_;
  std::chrono::steady_clock::time_point shown_{};
};

// To check the type behind a virtual call UBSan makes a pipe, which kills in the sandbox.
__attribute__((no_sanitize("vptr"))) int watch(Frames* frames, ScanStatus why, bool any) {
  Teller teller;
  if (!teller.begin()) return 1;
  if (!frames) return teller.end(why) ? 0 : 1;
  Watch watcher(any);
  while (const Gray* gray = frames->next()) {
    const SearchResult found = watcher.look(*gray);
    if (!teller.tell(found, *gray) || !teller.show(*gray, watcher.hint())) return 1;
    const auto wanted = [&](const std::string& text) { return any || parse_drop_link(text).has_value(); };
    if (std::ranges::any_of(found.texts, wanted)) return teller.end(ScanStatus::searched) ? 0 : 1;
  }
  return teller.end(frames->why()) ? 0 : 1;
}

int scan_stdin(const SearchOptions& options) {
  if (!enter_sandbox(Sandbox::picture)) return scan_exit_no_sandbox;
  std::vector<std::byte> bytes;
  return read_all(bytes) ? answer(scan(bytes, options)) : 1;
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
