#include "vision/scan_report.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace qrx::vision {
namespace {

constexpr std::string_view first_line = "qrx-scan 1";
constexpr std::pair<ScanStatus, std::string_view> names[] = {{ScanStatus::searched, "searched"},
                                                             {ScanStatus::not_a_picture, "not-a-picture"},
                                                             {ScanStatus::not_read_format, "not-read-format"},
                                                             {ScanStatus::damaged, "damaged"},
                                                             {ScanStatus::too_large, "too-large"},
                                                             {ScanStatus::not_a_camera, "not-a-camera"},
                                                             {ScanStatus::camera_busy, "camera-busy"},
                                                             {ScanStatus::camera_lost, "camera-lost"}};

std::optional<ScanStatus> status_of(std::string_view text) {
  for (const auto& [status, name] : names)
    if (text == name) return status;
  return std::nullopt;
}

bool is_step(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (std::to_string(value) != text) return std::nullopt;  // one text for one value
  return value;
}

// Takes one line off the text; nothing when its end is missing.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::string_view take_word(std::string_view& line) {
  const auto blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
  return word;
}

bool take_text(std::string_view encoded, ScanReport& report) {
  const auto bytes = from_base64(encoded);
  if (!bytes || bytes->empty() || bytes->size() > ScanReport::most_text_bytes) return false;
  std::string text(bytes->begin(), bytes->end());
  if (report.texts.size() == ScanReport::most_texts || std::ranges::find(report.texts, text) != report.texts.end())
    return false;
  report.texts.push_back(std::move(text));
  return true;
}

bool take_end(std::string_view line, ScanReport& report) {
  const auto status = status_of(take_word(line));
  const std::string_view step = take_word(line);
  const auto width = number_of(take_word(line));
  const auto height = number_of(line);
  if (!status || !width || !height || !is_step(step)) return false;
  const bool has_step = step != "-";
  // A step without a text, or texts without a step.
  if (has_step == report.texts.empty()) return false;
  // Texts are only found by a search that was made.
  if (*status != ScanStatus::searched && !report.texts.empty()) return false;
  report.status = *status;
  report.step = has_step ? std::string(step) : std::string();
  report.width = *width;
  report.height = *height;
  return true;
}

}  // namespace

std::string format_scan_report(const ScanReport& report) {
  std::string out = std::string(first_line) + "\n";
  for (const std::string& text : report.texts) out += "text " + to_base64(as_bytes(text)) + "\n";
  std::string_view status = names[0].second;
  for (const auto& [value, name] : names)
    if (value == report.status) status = name;
  out += "end " + std::string(status) + " " + (report.step.empty() ? "-" : report.step) + " " +
         std::to_string(report.width) + " " + std::to_string(report.height) + "\n";
  return out;
}

Result<ScanReport> parse_scan_report(std::string_view text) {
  const auto refuse = [] { return fail(Kind::integrity, "the scan helper gave a malformed answer"); };
  ScanReport report;
  if (text.size() > ScanReport::most_bytes) return refuse();
  auto line = take_line(text);
  if (line != first_line) return refuse();
  for (;;) {
    line = take_line(text);
    if (!line) return refuse();
    const std::string_view word = take_word(*line);
    if (word == "end") {
      // Nothing may follow: a second report could say something else.
      if (!take_end(*line, report) || !text.empty()) return refuse();
      return report;
    }
    if (word != "text" || !take_text(*line, report)) return refuse();
  }
}

}  // namespace qrx::vision
