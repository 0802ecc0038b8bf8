// A blob in the store, read: what its reader will want next is on its way already. Private to src/s3.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "s3/live_blob.h"
#include "s3/object_store.h"
#include "space/blobs.h"

namespace qrx::s3 {

class ObjectOpened final : public space::Opened {
 public:
  ObjectOpened(std::shared_ptr<ObjectStore> store, const space::BlobKey& blob, std::shared_ptr<LiveBlob> live)
      : store_(std::move(store)), blob_(blob), live_(std::move(live)) {}

  std::uint64_t size() const override;
  Result<space::Piece> take(std::uint64_t offset, std::uint64_t most) override;
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::optional<std::string> address(std::uint64_t size, const space::Presented& as) const override;

 private:
  static constexpr std::uint64_t least_piece = 1U << 20, most_piece = 4U << 20;
  struct Fetch;                                                             // bytes on their way, or there
  Result<std::optional<LiveBlob::Place>> find(std::uint64_t offset) const;  // nothing: there are no such bytes
  std::shared_ptr<Fetch> fetch(std::uint64_t offset, const LiveBlob::Place& place, std::uint64_t from_object,
                               std::uint64_t size);
  Result<space::Piece> take_ahead(std::uint64_t offset, std::uint64_t most, const LiveBlob::Place& place);
  Result<space::Piece> take_from_block(std::uint64_t most, const LiveBlob::Place& place);
  void fetch_ahead();
  std::uint64_t next_piece() const;
  void adapt(const Fetch& taken);

  const std::shared_ptr<ObjectStore> store_;
  const space::BlobKey blob_;
  const std::shared_ptr<LiveBlob> live_;
  const Id topic_ = Id::random();
  std::shared_ptr<SpoolFile> held_;  // whose descriptor was given
  std::deque<std::shared_ptr<Fetch>> ahead_;
  std::uint64_t piece_ = least_piece;  // how much is asked for at once
  std::shared_ptr<Fetch> block_;
  mutable std::string read_;  // by read_at(), from `read_first_` on
  mutable std::uint64_t read_first_ = 0;
};

}  // namespace qrx::s3
