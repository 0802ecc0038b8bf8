#include "s3/object_names.h"

#include <charconv>

#include "base/bytes.h"

namespace qrx::s3 {
namespace {

constexpr std::string_view shared_mark = ".shared.";

}  // namespace

std::string object_name(const space::BlobKey& blob, const std::string& writer, std::uint64_t number) {
  return to_hex(as_bytes(std::span(blob.bytes).first(1))) + "/" + blob.text() + "/" + writer + "." +
         std::to_string(number);
}

std::optional<space::BlobKey> blob_of(std::string_view object) {
  if (object.size() < 5 || object[2] != '/') return std::nullopt;
  const auto end = object.find('/', 3);
  if (end == std::string_view::npos) return std::nullopt;
  const auto blob = space::BlobKey::parse(object.substr(3, end - 3));
  if (!blob || !object.starts_with(object_name(*blob, "", 0).substr(0, end + 1))) return std::nullopt;
  return blob;
}

std::string shared_name(const std::string& object, WallTime now) {
  const auto seconds = std::chrono::duration_cast<Seconds>(now.time_since_epoch()).count();
  return object + std::string(shared_mark) + std::to_string(seconds);
}

std::optional<WallTime> shared_since(std::string_view object) {
  const auto mark = object.rfind(shared_mark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view digits = object.substr(mark + shared_mark.size());
  std::int64_t seconds = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return WallTime(Seconds(seconds));
}

}  // namespace qrx::s3
