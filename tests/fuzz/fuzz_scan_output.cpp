// What the scan helper says: an answer that is taken is the only text for its value.
#include <cstdlib>

#include "vision/scan_report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = qrx::vision::parse_scan_report(text);
  if (report && qrx::vision::format_scan_report(*report) != text) std::abort();
  return 0;
}
