// A blob on its way into the store: written to the spool, cut into objects, put while the rest comes. Private to
// src/s3.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "s3/live_blob.h"
#include "s3/object_store.h"
#include "space/blobs.h"
#include "wire/zip.h"

namespace qrx::s3 {

// The sums that a PUT may need, of bytes as they come.
class PayloadSums {
 public:
  explicit PayloadSums(PayloadSum which) : which_(which) {}
  void update(ByteView bytes);
  void give(Payload& payload) const;
  static Result<void> read_and_give(PayloadSum which, Payload& payload);

 private:
  PayloadSum which_;
  Sha256 sha256_;
  wire::Crc32 crc32_;
};

class ObjectStaged final : public space::Staged {
 public:
  // Goes on at the end of `live`.
  ObjectStaged(std::shared_ptr<ObjectStore> store, const space::BlobKey& blob, std::shared_ptr<LiveBlob> live);
  ~ObjectStaged() override;

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override;
  Result<void> start_write_back(std::uint64_t offset, std::uint64_t size) override;
  Result<space::Extents> make_durable() override;
  Result<space::Extents> make_bytes_durable() override { return make_durable(); }
  Result<Kept> keep_some(std::uint64_t end) override;
  std::optional<Id> begin_durable() override;
  std::optional<Id> full() const override;
  Result<void> truncate(std::uint64_t size) override;
  Result<std::uint64_t> size() const override;

 private:
  // What requests under way tell, also when this is gone. Under the mutex of the blob.
  struct Puts {
    const Id topic = Id::random();
    unsigned in_flight = 0;
    std::optional<Error> failure;
  };
  using Lock = std::unique_lock<std::mutex>;

  Result<void> failed(const Lock&) const;
  void drop(const Lock&, Segment& segment);
  Result<void> seal(const Lock&);  // the tail becomes objects
  Result<void> start_put(const Lock&, const std::shared_ptr<Segment>& segment, const PayloadSums* sums);
  Result<void> put_in_group(const Lock&);
  Result<void> begin(const Lock& lock);  // all that is not under way yet
  std::function<void(Result<void>)> on_put(const std::shared_ptr<Segment>& segment);
  space::Extents give(const Lock&, bool all, std::uint64_t& end);

  const std::shared_ptr<ObjectStore> store_;
  const space::BlobKey blob_;
  const std::shared_ptr<LiveBlob> live_;
  const std::shared_ptr<Puts> puts_ = std::make_shared<Puts>();
  const std::string writer_ = Id::random().text();
  std::uint64_t next_object_ = 0;
  std::vector<std::shared_ptr<Segment>> mine_;  // what this writer has made
  std::uint64_t given_ = 0;                     // bytes of the blob up to which extents were given
  std::optional<PayloadSums> sums_;             // of the tail, as long as it was written in order
  Steady sealed_;
  bool counts_ = true;  // in the group, as one that may come
};

}  // namespace qrx::s3
