// The blob store that the rules need: bytes in staging that grow, then move into the store and never change again.
// Implementations: src/store/file_blobs.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "space/model.h"

namespace qrx::space {

// A blob that is being written. write_at by several threads at once is allowed for different ranges, unless
// expect_length was called.
class Staged {
 public:
  virtual ~Staged() = default;
  virtual void expect_length(std::uint64_t) {}  // a hint: what it will have in the end, written in order
  virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;  // Kind::no_room when the disk is full
  virtual Result<void> start_write_back(std::uint64_t offset, std::uint64_t size) = 0;  // a hint, does not wait
  // Bytes and name survive power loss. A failed call is final: the blob is lost.
  virtual Result<void> make_durable() = 0;
  virtual Result<void> make_bytes_durable() = 0;  // enough for a blob that is published next
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

// A blob open for reading. Stays readable while it is open, whatever happens to the blob.
class Opened {
 public:
  virtual ~Opened() = default;
  virtual int fd() const = 0;              // for sendfile and pread
  virtual std::uint64_t size() const = 0;  // now: a staged blob grows
  // Fills `out` from `offset`; fewer bytes only at the end of the blob.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
};

struct BlobUse {
  BlobKey blob;
  bool staged;
  std::uint64_t size;
};

// Thread-safe. Kind::unavailable: worth asking again soon.
class Blobs {
 public:
  virtual ~Blobs() = default;
  virtual Result<std::unique_ptr<Staged>> create(const BlobKey& blob) = 0;  // Kind::exists if there is one
  virtual Result<std::unique_ptr<Staged>> reopen(const BlobKey& blob) = 0;  // a staged one
  // Moves staged blobs into the store, without replacing any; durable when it returns (if they were made durable).
  virtual Result<void> publish(const std::vector<BlobKey>& blobs) = 0;
  virtual Result<std::unique_ptr<Opened>> open(const BlobKey& blob) = 0;  // staged or stored; Kind::not_found
  virtual Result<void> remove(const BlobKey& blob) = 0;                   // staged or stored; absent is fine
  virtual Result<void> quarantine(const BlobKey& blob) = 0;               // set aside a blob that no row names
  virtual Result<std::vector<BlobUse>> list() = 0;
  virtual std::uint64_t free_bytes() const = 0;
};

}  // namespace qrx::space
