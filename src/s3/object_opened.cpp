#include "s3/object_opened.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "s3/object_names.h"

namespace qrx::s3 {
namespace {

constexpr std::uint64_t little = 256U << 10;  // below it a whole block is read, for the reads that follow
constexpr std::size_t most_ahead = 3;         // pieces of one reader
// Beyond it readers get small pieces, and nothing ahead.
constexpr std::uint64_t plenty = 48U << 20;
constexpr std::uint64_t small_piece = 64U << 10;
constexpr std::uint64_t read_at_once = 4U << 20;

tl::unexpected<Error> lost() {
  return fail(Kind::integrity, "the server has lost bytes of this file");
}

// Of a request for what `object` has.
tl::unexpected<Error> missing(ObjectStore& store, const std::string& object, const Error& error) {
  if (error.kind != Kind::not_found) return tl::unexpected(store.as_trouble(error));
  store.tell("the S3 store has lost the object " + object);
  return lost();
}

}  // namespace

struct ObjectOpened::Fetch {
  Fetch(std::shared_ptr<ObjectStore> the_store, std::uint64_t from, std::uint64_t bytes)
      : store(std::move(the_store)), first(from), size(bytes) {
    store->read_ahead += size;
  }
  ~Fetch() { store->read_ahead -= size; }
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  const std::shared_ptr<ObjectStore> store;
  const std::uint64_t first, size;  // of the blob; of the object, for a block
  std::mutex mutex;
  std::optional<Result<std::string>> got;
  std::uint64_t taken = 0;  // by the reader
  bool waited_for = false;  // by the reader, who was faster than the store
};

std::uint64_t ObjectOpened::size() const {
  const std::lock_guard lock(live_->mutex);
  return live_->end();
}

Result<std::optional<LiveBlob::Place>> ObjectOpened::find(std::uint64_t offset) const {
  {
    const std::lock_guard lock(live_->mutex);
    if (auto place = live_->find(offset)) return place;
  }
  // Another node may have gone on with it.
  auto extents = store_->catalog.extents(blob_);
  if (!extents) return tl::unexpected(extents.error());
  const std::lock_guard lock(live_->mutex);
  if (!extents->empty() && extents->back().first + extents->back().size > live_->end()) live_->reset_to(*extents);
  return live_->find(offset);
}

std::shared_ptr<ObjectOpened::Fetch> ObjectOpened::fetch(std::uint64_t offset, const LiveBlob::Place& place,
                                                         std::uint64_t from_object, std::uint64_t size) {
  auto fetch = std::make_shared<Fetch>(store_, offset, size);
  store_->bucket->get(place.extent.object, from_object, size, [fetch, topic = topic_](Result<std::string> got) {
    {
      const std::lock_guard lock(fetch->mutex);
      fetch->got = std::move(got);
    }
    fetch->store->wake(topic);
  });
  return fetch;
}

// Each request costs the store as much as a megabyte or two: a reader that is faster than the store asks for more at
// once. One that is slower holds no more memory than it must.
void ObjectOpened::adapt(const Fetch& taken) {
  piece_ = taken.waited_for ? std::min(piece_ * 2, most_piece) : std::max(piece_ / 2, least_piece);
}

std::uint64_t ObjectOpened::next_piece() const {
  const std::uint64_t used = store_->read_ahead;
  if (used >= plenty) return small_piece;
  return std::clamp((plenty - used) / 4, small_piece, piece_);
}

void ObjectOpened::fetch_ahead() {
  while (ahead_.size() < most_ahead && store_->read_ahead < plenty) {
    const std::uint64_t next = ahead_.back()->first + ahead_.back()->size;
    std::optional<LiveBlob::Place> place;
    {
      const std::lock_guard lock(live_->mutex);
      place = live_->find(next);
    }
    if (!place || place->file != nullptr) return;
    ahead_.push_back(fetch(next, *place, place->extent.at + place->within, std::min(place->left, next_piece())));
  }
}

Result<space::Piece> ObjectOpened::take_ahead(std::uint64_t offset, std::uint64_t most, const LiveBlob::Place& place) {
  while (!ahead_.empty() && ahead_.front()->first + ahead_.front()->taken != offset) ahead_.pop_front();
  if (ahead_.empty()) {
    const std::uint64_t size = std::min({place.left, most, next_piece()});
    ahead_.push_back(fetch(offset, place, place.extent.at + place.within, size));
  }
  fetch_ahead();
  const std::shared_ptr<Fetch> front = ahead_.front();
  std::optional<Result<std::string>> got;
  {
    const std::lock_guard lock(front->mutex);
    if (!front->got) {
      front->waited_for = true;
      return space::NotYet{topic_};
    }
    if (front->taken == 0 && front->size <= most && *front->got) {
      got = std::move(front->got);
    } else if (*front->got) {
      got = (*front->got)->substr(front->taken, most);
      front->taken += (*got)->size();
    } else {
      got = missing(*store_, place.extent.object, (*front->got).error());
    }
  }
  if (!*got || front->taken == 0 || front->taken == front->size) {
    adapt(*front);
    ahead_.pop_front();
  }
  if (!*got) return tl::unexpected(got->error());
  if (!ahead_.empty()) fetch_ahead();
  return std::move(**got);
}

Result<space::Piece> ObjectOpened::take_from_block(std::uint64_t most, const LiveBlob::Place& place) {
  const std::uint64_t at = place.extent.at + place.within;
  const std::uint64_t block_at = std::max(at - at % ReadBlocks::block_bytes, place.extent.at);
  const std::uint64_t end =
      std::min(at - at % ReadBlocks::block_bytes + ReadBlocks::block_bytes, place.extent.at + place.extent.size);
  ReadBlocks::Block block = store_->blocks.find(place.extent.object, block_at);
  if (block == nullptr || block->size() < end - block_at) {
    if (block_ == nullptr || block_->first != block_at) block_ = fetch(block_at, place, block_at, end - block_at);
    const std::lock_guard lock(block_->mutex);
    if (!block_->got) return space::NotYet{topic_};
    if (!*block_->got) return missing(*store_, place.extent.object, (*block_->got).error());
    block = std::make_shared<const std::string>(std::move(**block_->got));
    store_->blocks.keep(place.extent.object, block_at, block);
  }
  block_.reset();
  return block->substr(at - block_at, std::min(most, place.left));
}

Result<space::Piece> ObjectOpened::take(std::uint64_t offset, std::uint64_t most) {
  held_.reset();
  auto found = find(offset);
  if (!found) return tl::unexpected(found.error());
  const auto& place = *found;
  if (!place) return lost();
  if (place->file != nullptr) {
    held_ = place->file;
    return space::FileRun{held_->fd(), place->file_at, std::min(most, place->left)};
  }
  if (most < little && ahead_.empty()) return take_from_block(most, *place);
  return take_ahead(offset, most, *place);
}

Result<std::size_t> ObjectOpened::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t filled = 0;
  const auto add = [&](std::string_view bytes) {
    const std::size_t size = std::min(bytes.size(), out.size() - filled);
    std::memcpy(out.data() + filled, bytes.data(), size);
    filled += size;
  };
  {
    const std::lock_guard lock(live_->mutex);
    const std::string_view beginning = live_->beginning;
    const bool all = live_->writers > 0 && beginning.size() == live_->end();  // nobody knows better
    if (offset < beginning.size() && (all || offset + out.size() <= beginning.size())) add(beginning.substr(offset));
    if (all) return filled;
  }
  while (filled < out.size()) {
    const std::uint64_t at = offset + filled;
    if (at >= read_first_ && at < read_first_ + read_.size()) {
      add(std::string_view(read_).substr(at - read_first_));
      continue;
    }
    auto found = find(at);
    if (!found) return tl::unexpected(found.error());
    const auto& place = *found;
    if (!place) return filled;
    if (place->file != nullptr) {
      const auto space = out.subspan(filled, std::min<std::uint64_t>(out.size() - filled, place->left));
      auto got = place->file->read_at(place->file_at, {reinterpret_cast<char*>(space.data()), space.size()});
      if (!got) return got;
      if (*got < space.size()) return fail(Kind::other, "the spool has lost bytes");
      filled += *got;
      continue;
    }
    const std::uint64_t wanted = out.size() - filled < little ? out.size() - filled : read_at_once;
    auto got = wait<std::string>([&](auto done) {
      store_->bucket->get(place->extent.object, place->extent.at + place->within, std::min(place->left, wanted),
                          std::move(done));
    });
    if (!got) return missing(*store_, place->extent.object, got.error());
    read_ = std::move(*got);
    read_first_ = at;
  }
  return filled;
}

// Only what is one object, with nothing else in it: an address names one, from its first byte to its last. Small
// contents are handed over faster than a client connects to another server.
std::optional<std::string> ObjectOpened::address(std::uint64_t size, const space::Presented& as) const {
  constexpr unsigned life_seconds = 60;  // from now to the first byte of the answer
  std::string object;
  {
    const std::lock_guard lock(live_->mutex);
    if (size < little || live_->segments.size() != 1 || live_->end() != size) return std::nullopt;
    const Segment& only = *live_->segments.front();
    if (!only.stored || !only.given || only.extent.size != size || only.extent.at != 0) return std::nullopt;
    object = only.extent.object;
  }
  if (shared_since(object)) return std::nullopt;
  return store_->bucket->address_of(object, as.type, as.disposition, life_seconds);
}

}  // namespace qrx::s3
