#include "vision/picture_scan.h"

#include <chrono>
#include <ctime>
#include <utility>

#include "vision/colour.h"
#include "vision/decode_picture.h"
#include "vision/picture_gif.h"
#include "vision/scan_client.h"
#include "vision/search_codes.h"

namespace qrx::vision {
namespace {

// A code that comes up later in a moving picture. The first frame was looked at; all others share one budget.
SearchResult search_later_frames(const std::vector<std::byte>& bytes, SearchOptions options) {
  // With --thorough there is no budget: then this is the end.
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

ScanStatus status_of(PictureFault fault) {
  switch (fault) {
    case PictureFault::none:
      break;
    case PictureFault::unknown_format:
      return ScanStatus::not_a_picture;
    case PictureFault::unread_format:
      return ScanStatus::not_read_format;
    case PictureFault::damaged:
      return ScanStatus::damaged;
    case PictureFault::too_large:
      return ScanStatus::too_large;
  }
  return ScanStatus::searched;
}

}  // namespace

ScanReport scan_bytes(const std::vector<std::byte>& bytes, SearchOptions options) {
  ScanReport report;
  if (bytes.size() > most_picture_bytes) {
    report.status = ScanStatus::too_large;
    return report;
  }
  const Picture picture = decode_picture(bytes);
  report.status = status_of(picture.fault);
  if (picture.fault != PictureFault::none) return report;
  // Written by programs, not by cameras: no blur, no glare, but scaled terminals and inverted themes.
  options.screenshot = picture.format == PictureFormat::png || picture.format == PictureFormat::bmp ||
                       picture.format == PictureFormat::svg;
  options.colours = [&bytes](int side) { return decode_colours(bytes, side); };
  SearchResult found = search_codes(picture.gray, options);
  if (found.texts.empty() && picture.format == PictureFormat::gif) found = search_later_frames(bytes, options);
  report.texts = std::move(found.texts);
  report.step = std::move(found.step);
  report.width = static_cast<std::uint32_t>(picture.gray.width);
  report.height = static_cast<std::uint32_t>(picture.gray.height);
  // A part of the picture had none; the code may have been in the rest.
  if (report.texts.empty() && !picture.complete) report.status = ScanStatus::damaged;
  return report;
}

}  // namespace qrx::vision
