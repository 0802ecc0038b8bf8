// Range and If-Range (RFC 9110, 14): one range at most; several are answered with the whole, so that they cannot
// multiply work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qrx::wire {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

enum class RangeChoice : std::uint8_t {
  whole,          // 200: no range, or one that is to be ignored (malformed, another unit, several)
  part,           // 206
  unsatisfiable,  // 416
};

struct ChosenRange {
  RangeChoice choice = RangeChoice::whole;
  ByteRange range;  // the whole unless `part`
};

// What to send of a content of `length` bytes with this strong entity tag (with its quotes; empty: none).
// A Range whose If-Range names another tag, or a date, gives the whole.
ChosenRange choose_range(std::optional<std::string_view> range, std::optional<std::string_view> if_range,
                         std::string_view etag, std::uint64_t length);

std::string content_range(const ByteRange& range, std::uint64_t length);  // "bytes 0-9/100"
std::string content_range_unsatisfied(std::uint64_t length);              // "bytes */100"

// If-None-Match and If-Match: "*" or a list of tags that holds this one. `weak`: W/"x" counts as "x".
bool etag_list_holds(std::string_view list, std::string_view etag, bool weak);

// Content-Range of a 206, for the client: "bytes 5-9/10".
struct ContentRange {
  ByteRange range;
  std::optional<std::uint64_t> length;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace qrx::wire
