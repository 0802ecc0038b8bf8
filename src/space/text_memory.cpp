#include "space/text_memory.h"

#include <algorithm>
#include <string>
#include <utility>

namespace qrx::space {

TextMemory::OfSpace::OfSpace(std::shared_ptr<TextMemory> all, std::uint64_t max_size)
    : all_(std::move(all)),
      most_(max_size == 0 ? most_of_space : std::clamp(max_size, least_of_space, most_of_space)) {}

std::uint64_t TextMemory::OfSpace::bytes() const {
  const std::lock_guard lock(all_->mutex_);
  return bytes_;
}

Result<void> TextMemory::Hold::take(std::uint64_t bytes) {
  return replace(0, bytes);
}

// Of what other spaces leave one gets half, so that no number of spaces takes the last of it.
Result<void> TextMemory::Hold::replace(std::uint64_t former, std::uint64_t bytes) {
  former = std::min(former, bytes_);
  const std::uint64_t most = space_->most_;
  const std::lock_guard lock(space_->all_->mutex_);
  if (bytes > former) {
    if (bytes_ - former + bytes > most)
      return fail(Kind::too_large, "the names in this delivery are too long, over " + std::to_string(most) +
                                       " bytes together: send its files in several deliveries");
    const std::uint64_t of_space = space_->bytes_ - former + bytes;
    if (of_space > most)
      return fail(Kind::no_room_now,
                  "the names of all that is under way in this space are too long: try again when some of it is done");
    const std::uint64_t others = space_->all_->bytes_ - space_->bytes_;
    if (of_space > free_of_space && of_space > (most_bytes - std::min(most_bytes, others)) / 2)
      return fail(Kind::no_room_now, "the names of all that is under way on this server are too long: try again later");
  }
  for (std::uint64_t* count : {&bytes_, &space_->bytes_, &space_->all_->bytes_}) *count = *count - former + bytes;
  return {};
}

void TextMemory::Hold::add(std::uint64_t bytes) {
  bytes_ += bytes;
  const std::lock_guard lock(space_->all_->mutex_);
  space_->bytes_ += bytes;
  space_->all_->bytes_ += bytes;
}

void TextMemory::Hold::give_back(std::uint64_t bytes) {
  bytes = std::min(bytes, bytes_);
  bytes_ -= bytes;
  const std::lock_guard lock(space_->all_->mutex_);
  space_->bytes_ -= bytes;
  space_->all_->bytes_ -= bytes;
}

void TextMemory::Hold::set(std::uint64_t bytes) {
  give_back(bytes_);
  add(bytes);
}

}  // namespace qrx::space
