#include "vision/watch_writer.h"

#include <unistd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/write_all.h"
#include "vision/watch.h"

namespace qrx::vision {
namespace {

// Eleven a second: people see a moving picture.
constexpr std::chrono::milliseconds between_views{90};

// Of a report as a whole, which is a first line, the texts and a last line.
std::string first_line(const std::string& report) {
  return report.substr(0, report.find('\n') + 1);
}

std::string last_line(const std::string& report) {
  return report.substr(report.rfind('\n', report.size() - 2) + 1);
}

}  // namespace

bool WatchWriter::begin() {
  return write_all(STDOUT_FILENO, first_line(format_scan_report({})));
}

bool WatchWriter::tell(const SearchResult& found, const Gray& gray) {
  report_.width = static_cast<std::uint32_t>(gray.width);
  report_.height = static_cast<std::uint32_t>(gray.height);
  for (const std::string& text : found.texts) {
    if (report_.texts.size() == ScanReport::most_texts || std::ranges::find(report_.texts, text) != report_.texts.end())
      continue;
    if (report_.texts.empty()) report_.step = found.step;
    report_.texts.push_back(text);
    if (!write_all(STDOUT_FILENO, "text " + to_base64(as_bytes(text)) + "\n")) return false;
  }
  return true;
}

bool WatchWriter::show(const Gray& gray, AimHint hint) {
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < between_views) return true;
  shown_ = now;
  return write_all(STDOUT_FILENO, format_watch_view(small_view(gray, hint)));
}

bool WatchWriter::end(ScanStatus status) {
  // With a text the search was a success, whatever ended it.
  if (report_.texts.empty()) report_.status = status;
  return write_all(STDOUT_FILENO, last_line(format_scan_report(report_)));
}

}  // namespace qrx::vision
