// Durations and sizes as people write them and copy them: "90s 15m 12h 3d 1w", "1 h 30 min", "10M 2G 1.5 GiB" (powers
// of 1024). A comma is a decimal point, too; with three digits behind it, it could part thousands, and is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qrx {

// "90s", "1h30m", "7d"; a bare number is seconds.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

// In bytes; suffix K, M, G or T in any case, optionally followed by "iB" or "B".
std::optional<std::uint64_t> parse_size(std::string_view text);

std::string format_size(std::uint64_t bytes);                // "12.3 MiB"
std::string format_duration(std::chrono::seconds duration);  // "1 h 5 min", "45 s"

}  // namespace qrx
