#include "s3/object_store.h"

#include "base/bytes.h"

namespace qrx::s3 {

ReadBlocks::Block ReadBlocks::find(const std::string& object, std::uint64_t at) {
  const std::lock_guard lock(mutex_);
  const auto found = place_.find(object + "@" + std::to_string(at));
  if (found == place_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->block;
}

void ReadBlocks::keep(const std::string& object, std::uint64_t at, Block block) {
  const std::lock_guard lock(mutex_);
  std::string key = object + "@" + std::to_string(at);
  if (place_.contains(key)) return;
  bytes_ += block->size();
  by_use_.push_front({key, std::move(block)});
  place_.emplace(std::move(key), by_use_.begin());
  while (bytes_ > most_bytes) {
    bytes_ -= by_use_.back().block->size();
    place_.erase(by_use_.back().key);
    by_use_.pop_back();
  }
}

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

Error as_trouble(Error error) {
  if (error.kind != Kind::no_room) error.kind = Kind::unavailable;
  error.hint.clear();
  return error;
}

}  // namespace qrx::s3
