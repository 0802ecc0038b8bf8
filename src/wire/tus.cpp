#include "wire/tus.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

bool is_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  // Sizes and offsets are kept as signed numbers (off_t, SQLite): beyond that they would turn negative.
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return number;
}

std::optional<std::string_view> UploadMetadata::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return value;
  return std::nullopt;
}

Result<UploadMetadata> parse_upload_metadata(std::string_view text) {
  UploadMetadata out;
  if (text.size() > most_metadata_bytes) return fail(Kind::usage, "Upload-Metadata is over 16,384 bytes");
  if (trim(text).empty()) return out;
  for (;;) {
    const auto comma = text.find(',');
    // Some clients write ", " between entries.
    const std::string_view entry = trim(text.substr(0, comma));
    const auto blank = entry.find(' ');
    const std::string_view key = entry.substr(0, blank);
    const std::string_view coded = blank == std::string_view::npos ? std::string_view() : entry.substr(blank + 1);
    const auto value = from_base64(coded);
    if (!is_key(key) || !value) return fail(Kind::usage, "Upload-Metadata is malformed");
    // Which of the two counts would be a guess.
    if (out.find(key)) return fail(Kind::usage, "Upload-Metadata names a key twice");
    out.entries.emplace_back(key, std::string(value->begin(), value->end()));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string format_upload_metadata(const UploadMetadata& metadata) {
  std::string out;
  for (const auto& [key, value] : metadata.entries) {
    if (!out.empty()) out += ',';
    out += key;
    if (!value.empty()) out += ' ' + to_base64(as_bytes(value));
  }
  return out;
}

Result<UploadChecksum> parse_upload_checksum(std::string_view text) {
  const auto blank = text.find(' ');
  const std::string_view algorithm = text.substr(0, blank);
  const std::string_view coded = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
  const auto sum = from_base64(coded);
  // 64 bytes: the longest sum there is in use, SHA-512.
  if (!is_key(algorithm) || algorithm.size() > 32 || !sum || sum->empty() || sum->size() > 64)
    return fail(Kind::usage, "Upload-Checksum is malformed");
  return UploadChecksum{to_lower_ascii(algorithm), *sum};
}

std::string format_upload_checksum(const UploadChecksum& checksum) {
  return checksum.algorithm + ' ' + to_base64(as_bytes(checksum.sum));
}

Result<UploadConcat> parse_upload_concat(std::string_view text) {
  if (text == "partial") return UploadConcat{};
  constexpr std::string_view final_word = "final;";
  if (!text.starts_with(final_word)) return fail(Kind::usage, "Upload-Concat is neither partial nor final");
  text.remove_prefix(final_word.size());
  UploadConcat out{true, {}};
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const auto blank = text.find(' ');
    out.parts.emplace_back(text.substr(0, blank));
    if (out.parts.size() > most_concatenated_parts) return fail(Kind::usage, "Upload-Concat names over 1,000 parts");
    if (blank == std::string_view::npos) break;
    text.remove_prefix(blank + 1);
  }
  if (out.parts.empty()) return fail(Kind::usage, "Upload-Concat names no parts");
  return out;
}

}  // namespace qrx::wire
