// Says what a watching helper sees, line by line as it happens (watch_report.h). Runs in the sandbox.
// Private to src/vision and the helper that reads pictures.
#pragma once

#include <chrono>
#include <string>

#include "vision/gray.h"
#include "vision/scan_report.h"
#include "vision/search_options.h"
#include "vision/watch_report.h"

namespace qrx::vision {

// Onto stdout. What format_scan_report() writes at the end is the same as if it had been said at once. Each function
// returns false when nobody reads any more.
class WatchWriter {
 public:
  bool begin();
  bool tell(const SearchResult& found, const Gray& gray);  // texts that were not told yet
  bool show(const Gray& gray, AimHint hint);               // not more often than an eye follows
  bool end(ScanStatus status);                             // `status` counts when nothing was found

 private:
  ScanReport report_;
  std::chrono::steady_clock::time_point shown_{};
};

}  // namespace qrx::vision
