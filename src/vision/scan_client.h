// Finds QR codes in a picture by starting the private helper qrx-scan as a sandboxed child. The caller links no picture
// or vision library, and a hostile picture can at worst waste the helper's time.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "vision/scan_report.h"

namespace qrx::vision {

// Of processor time, for a search without a budget: a picture can be made to have work for hours.
inline constexpr std::chrono::seconds most_thorough{240};

struct ScanOptions {
  std::string helper;                      // path of qrx-scan; empty: find_scan_helper()
  std::chrono::milliseconds budget{1500};  // for the search itself; 0: every way, for most_thorough (`--thorough`)
  // From the start of the helper to its answer; 0: none. Of the clock on the wall, so far above what a picture takes:
  // what the helper may compute is limited by itself, and a busy machine must not decide.
  std::chrono::milliseconds timeout{60000};
  bool any = false;  // any code ends the search (`--any`); else only a drop link does, and other codes are noted
};

inline constexpr std::size_t most_picture_bytes = 64 * 1024 * 1024;
inline constexpr std::string_view other_ways =
    "without a camera: --screen for a code on this screen, -i for a picture of it, -l for its link";
// A helper that has closed its output has nothing left to do but to end; a hostile one may not.
inline constexpr std::chrono::milliseconds helper_lingers{500};
inline constexpr int scan_exit_no_sandbox = 3;  // the helper could not shut itself in and read nothing

Result<std::string> find_scan_helper();
std::vector<std::string> scan_environment();  // all that the helper gets
// Why there is no helper: it could not be started, or not shut itself in (scan_exit_no_sandbox).
Error no_scan_helper(const Error& why);
Error no_sandbox();

// Reads the picture from a descriptor at its current offset to its end: a file, a pipe, a terminal's stdin. The
// descriptor stays the caller's. What is not a regular file is read here first, without a deadline (a person may still
// be drawing); then the helper starts. Errors are about this machine only (the helper is missing, no descriptors left,
// the descriptor cannot be read); what is wrong with the picture stands in the report.
// Threads: any number at once. Blocks. A signal handler without SA_RESTART does not end the wait.
Result<ScanReport> scan_picture(int picture, const ScanOptions& options = {});
Result<ScanReport> scan_picture(ByteView picture, const ScanOptions& options = {});

// The drop link in a report, as it stood in the code. name is how people call the picture: "photo.jpg".
// Kind::no_code (exit 7) when there is none, whatever the reason: nothing found, other codes only, not a picture, a
// broken one. Kind::usage when there are two different drop links; the sentence names both.
Result<std::string> drop_link_in(const ScanReport& report, const std::string& name);

// The same for several pictures of one search: the names go with the reports.
struct NamedReport {
  std::string name;
  ScanReport report;
};
Result<std::string> drop_link_in(std::span<const NamedReport> reports);

// Everything found, for `--scan-only --any`: at least one text, or Kind::no_code.
Result<std::vector<std::string>> texts_in(const ScanReport& report, const std::string& name);

}  // namespace qrx::vision
