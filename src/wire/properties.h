// What travels of a file beside its name and its bytes: when it was last modified, and whether it may be run
// (qrx-protocol(7), "Kept properties"). Pure.
// A date costs no file: what cannot be read here is as if it had not been said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "wire/tus.h"

namespace qrx::wire {

struct FileProperties {
  std::optional<WallTime> modified{};  // whole seconds, within the years 1970 to 9999; absent: not known
  bool executable = false;             // for its owner, and said by a sender that was told to say it
  friend bool operator==(const FileProperties&, const FileProperties&) = default;
};

// Of PUT; other servers know the first one, too.
inline constexpr std::string_view mtime_header = "X-OC-Mtime";
inline constexpr std::string_view executable_header = "Qrx-Executable";

// Seconds since 1970, of a file system or a peer; nothing for what no message can carry.
std::optional<WallTime> kept_time(std::int64_t seconds);

// The values of the two headers. `mtime`: decimal seconds since 1970; a fraction is cut off. `executable`: "true", "1",
// or nothing behind the name.
FileProperties parse_properties(std::optional<std::string_view> mtime, std::optional<std::string_view> executable);

// Upload-Metadata has the same values under the keys mtime and executable.
FileProperties properties_in(const UploadMetadata& metadata);
void add_properties(UploadMetadata& metadata, const FileProperties& properties);
std::string format_mtime(WallTime time);

}  // namespace qrx::wire
