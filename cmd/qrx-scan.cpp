// qrx-scan BUDGET_MS [any]: the private helper that finds QR codes in the picture on its stdin.
//
// Started by scan_picture (src/vision/scan_client.h); answers on stdout in the form of src/vision/scan_report.h. Before
// it reads a byte of the picture it shuts itself in (src/vision/sandbox.h): a picture that takes it over can compute, and
// say something wrong, and nothing else. Without seccomp it refuses to work, exit 3.
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <new>
#include <string_view>

#include "vision/picture.h"
#include "vision/sandbox.h"
#include "vision/scan_client.h"
#include "vision/search.h"

namespace {

using namespace qrx;

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

ScanReport scan(const std::vector<std::byte>& bytes, SearchOptions options) {
  ScanReport report;
  if (bytes.size() > most_picture_bytes) {
    report.status = ScanStatus::too_large;
    return report;
  }
  const Picture picture = decode_picture(bytes);
  switch (picture.fault) {
    case PictureFault::none: break;
    case PictureFault::unknown_format: report.status = ScanStatus::not_a_picture; return report;
    case PictureFault::damaged: report.status = ScanStatus::damaged; return report;
    case PictureFault::too_large: report.status = ScanStatus::too_large; return report;
  }
  options.screenshot = picture.format == PictureFormat::png || picture.format == PictureFormat::bmp;
  SearchResult found = search_codes(picture.gray, options);
  report.texts = std::move(found.texts);
  report.step = std::move(found.step);
  report.width = static_cast<std::uint32_t>(picture.gray.width);
  report.height = static_cast<std::uint32_t>(picture.gray.height);
  if (report.texts.empty() && !picture.complete) report.status = ScanStatus::damaged;
  return report;
}

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(1, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned budget = 0;
  const std::string_view number = argc > 1 ? argv[1] : "";
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), budget);
  const bool any = argc == 3 && std::string_view(argv[2]) == "any";
  if (error != std::errc() || end != number.data() + number.size() || argc != (any ? 3 : 2)) return 2;
  SearchOptions options;
  options.budget = std::chrono::milliseconds(budget);
  options.any = any;

  warm_up_search();
  if (!enter_cage()) return scan_exit_no_cage;
  ScanReport report;
  try {
    std::vector<std::byte> bytes;
    if (!read_all(bytes)) _exit(1);
    report = scan(bytes, options);
  } catch (const std::bad_alloc&) {
    report = {};
    report.status = ScanStatus::damaged;
  }
  // No destructor of any library runs after a hostile picture was read.
  _exit(write_all(format_scan_report(report)) ? 0 : 1);
}
