// The whole chain: gray pixels as a hostile picture would have them, through every step. The first two bytes are the
// width and the kind of search; the rest are pixels, each a square of four, so that finders are soon found.
#include <algorithm>
#include <cstdlib>

#include "vision/scan_report.h"
#include "vision/search_codes.h"
#include "vision/watch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool warm = (qrx::vision::warm_up_search(), true);
  (void)warm;
  constexpr int scale = 4;
  if (size < 3) return 0;
  const int width = 1 + data[0] % 48;
  const int height = std::min(48, static_cast<int>(size - 2) / width);
  if (height < 1) return 0;
  qrx::vision::Gray gray(width * scale, height * scale, 255);
  for (int y = 0; y < gray.height; ++y)
    for (int x = 0; x < gray.width; ++x) gray.row(y)[x] = data[2 + (y / scale) * width + x / scale];
  qrx::vision::SearchOptions options;
  options.budget = std::chrono::milliseconds(400);
  options.any = (data[1] & 1) != 0;
  options.screenshot = (data[1] & 2) != 0;
  qrx::vision::ScanReport report;
  const auto found = (data[1] & 4) != 0 ? qrx::vision::Watch(options.any, options.budget).look(gray)
                                        : qrx::vision::search_codes(gray, options);
  report.texts = found.texts;
  report.step = found.step;
  // Whatever was found, the parent must be able to take it.
  if (!qrx::vision::parse_scan_report(qrx::vision::format_scan_report(report))) std::abort();
  return 0;
}
