// The headers of tus 1.0 (https://tus.io/protocols/resumable-upload): strict readers and their writers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace qrx::wire {

inline constexpr std::string_view tus_version = "1.0.0";
inline constexpr std::string_view tus_content_type = "application/offset+octet-stream";

// Upload-Offset, Upload-Length and every other number on the wire: digits only, no sign, at most 2^63 - 1.
std::optional<std::uint64_t> parse_number(std::string_view text);

// Upload-Metadata: "key base64,key base64,key". Values are any bytes.
struct UploadMetadata {
  std::vector<std::pair<std::string, std::string>> entries;

  std::optional<std::string_view> find(std::string_view key) const;
};

// At most 16,384 bytes of text; keys are unique printable ASCII without blank and comma. Empty text: no entries.
Result<UploadMetadata> parse_upload_metadata(std::string_view text);
std::string format_upload_metadata(const UploadMetadata& metadata);

// Upload-Checksum: "sha1 base64". Whether the algorithm is known is not asked here.
struct UploadChecksum {
  std::string algorithm;
  std::vector<std::uint8_t> sum;
};
Result<UploadChecksum> parse_upload_checksum(std::string_view text);
std::string format_upload_checksum(const UploadChecksum& checksum);

// Upload-Concat: "partial", or "final;" and the addresses of the parts, in order, separated by blanks.
struct UploadConcat {
  bool is_final = false;
  std::vector<std::string> parts;
};
Result<UploadConcat> parse_upload_concat(std::string_view text);  // at most 1,000 parts

}  // namespace qrx::wire
