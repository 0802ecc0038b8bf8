#include "wire/properties.h"

#include <algorithm>

namespace qrx::wire {
namespace {

constexpr std::string_view mtime_key = "mtime";
constexpr std::string_view executable_key = "executable";
constexpr std::int64_t last_second = 253'402'300'799;  // 9999-12-31T23:59:59Z, what RFC 3339 and HTTP can write

std::optional<WallTime> parse_mtime(std::string_view text) {
  const auto point = text.find('.');
  // Some clients write what their file system knows, to the nanosecond.
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (!std::all_of(fraction.begin(), fraction.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return std::nullopt;
  }
  const auto seconds = parse_number(text.substr(0, point));
  // parse_number() ends at 2^63 - 1, so the cast is safe.
  return seconds ? kept_time(static_cast<std::int64_t>(*seconds)) : std::nullopt;
}

}  // namespace

std::optional<WallTime> kept_time(std::int64_t seconds) {
  if (seconds < 0 || seconds > last_second) return std::nullopt;
  return WallTime(Seconds(seconds));
}

FileProperties parse_properties(std::optional<std::string_view> mtime, std::optional<std::string_view> executable) {
  return {mtime ? parse_mtime(*mtime) : std::nullopt,
          executable && (executable->empty() || *executable == "1" || *executable == "true")};
}

FileProperties properties_in(const UploadMetadata& metadata) {
  return parse_properties(metadata.find(mtime_key), metadata.find(executable_key));
}

void add_properties(UploadMetadata& metadata, const FileProperties& properties) {
  if (properties.modified) metadata.entries.emplace_back(mtime_key, format_mtime(*properties.modified));
  if (properties.executable) metadata.entries.emplace_back(executable_key, "true");
}

std::string format_mtime(WallTime time) {
  return std::to_string(std::chrono::floor<Seconds>(time.time_since_epoch()).count());
}

}  // namespace qrx::wire
