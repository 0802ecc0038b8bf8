// What the scan helper says on its stdout, written by qrx-scan and read by its parent. The reader expects an attacker:
// a hostile picture may have taken the helper over.
//
//   qrx-scan 1
//   text <base64 of what a QR code says>      none to 32 lines, drop links first, no text twice
//   end <status> <step> <width> <height>      the status below; the step that found the first text or -; pixels or 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qrx::vision {

enum class ScanStatus : std::uint8_t {
  searched,         // the picture was decoded and searched; texts holds what was found, or nothing
  not_a_picture,    // none of the formats we read
  not_read_format,  // HEIC or AVIF, and the system has no decoder for it
  damaged,          // a format we read, but broken, cut short, or over the helper's limits of time and memory
  too_large,        // more bytes or pixels than we take
  not_a_camera,     // the device takes no pictures, or none in a format that we read
  camera_busy,      // another program has it
  camera_lost,      // it was unplugged, or has stopped delivering pictures
  crashed,          // the helper died or talked nonsense: said by the parent, never on the wire
  timed_out,        // the helper was stopped: said by the parent, never on the wire
};

struct ScanReport {
  static constexpr std::size_t most_texts = 32;
  static constexpr std::size_t most_text_bytes = 7089;   // digits in a version 40-L symbol
  static constexpr std::size_t most_bytes = 320 * 1024;  // of a whole report as text

  ScanStatus status = ScanStatus::searched;
  std::vector<std::string> texts;  // untrusted bytes, not necessarily UTF-8
  std::string step;                // "plain", "inverted"…: lower case letters, digits, dot and dash, at most 32
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

std::string format_scan_report(const ScanReport& report);

// Kind::integrity for anything but exactly one well-formed report.
Result<ScanReport> parse_scan_report(std::string_view text);

}  // namespace qrx::vision
