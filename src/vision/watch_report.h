// What the scan helper says while it watches a camera: the lines of scan_report.h, and small pictures among them.
// Written by qrx-scan, read by its parent, who expects an attacker.
//
//   qrx-scan 1
//   view <hint> <width> <height> <frame width> <frame height> <base64 of width * height gray pixels>     any number
//   text <base64 of what a QR code says>                                as soon as it was read
//   end <status> <step> <width> <height>
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "vision/gray.h"
#include "vision/scan_report.h"

namespace qrx::vision {

enum class AimHint : std::uint8_t {
  none,
  dark,      // "dark": too little light
  bright,    // "bright": too much
  blank,     // "blank": nothing to see at all, a covered lens
  far,       // "far": a code is there, its modules too small
  unsteady,  // "unsteady": a code is there and large enough, but blurred or covered
  other,     // "other": a code was read, but no drop link
};

// For people: "hold it closer"; empty for none.
std::string_view words_of(AimHint hint);

struct WatchView {
  static constexpr int most_side = 96;
  AimHint hint = AimHint::none;
  Gray gray;
  std::uint32_t frame_width = 0;
  std::uint32_t frame_height = 0;
};

std::string format_watch_view(const WatchView& view);

// Takes the helper's output as it comes.
class WatchReader {
 public:
  // Called for each view, and for each text when its line is complete (the report at the end has them again).
  std::function<void(const WatchView&)> view;
  std::function<void(const std::string& text)> text;

  // Kind::integrity when it is no such output; do not go on then.
  Result<void> take(std::string_view bytes);
  // After the end of the output: what parse_scan_report says of the rest. ended() when the last line was there.
  Result<ScanReport> report() const { return parse_scan_report(lines_); }
  bool empty() const { return lines_.empty() && part_.empty(); }

 private:
  Result<void> take_line(std::string_view line);

  std::string part_;   // of a line
  std::string lines_;  // all but views
};

}  // namespace qrx::vision
