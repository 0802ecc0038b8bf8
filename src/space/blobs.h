// The blob store that the rules need: bytes in staging that grow, then move into the store and never change again.
// Implementations: src/store/file_blobs.h, src/s3/object_blobs.h.
//
// A store of files knows by itself what a blob is made of. A store of objects does not: what makes an object a part of
// a blob is a row that names it (Extent), written in the same transaction as whatever stands on those bytes. So nothing
// is ever replaced there, a writer that lost its upload leaves objects that nobody names, and many nodes need no lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/measure.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "space/model.h"

namespace qrx::space {

// A part of a blob in a store of objects: `size` bytes of the blob from `first` on are those of `object` from `at` on.
struct Extent {
  std::uint64_t first = 0, size = 0;
  std::string object;
  std::uint64_t at = 0;
  // By the clock of all nodes, until when a row may name it; absent: one does already. Where nodes share the store, an
  // object that no row names for long is removed by any of them: a node that stood still in between must not name it
  // afterwards, and Transaction::put_extents() refuses it then, by the clock of the database.
  std::optional<WallTime> until = {};
  friend bool operator==(const Extent&, const Extent&) = default;
};
using Extents = std::vector<Extent>;  // of one blob, in order

// A blob that is being written. write_at by several threads at once is allowed for different ranges, unless
// expect_length was called.
class Staged {
 public:
  virtual ~Staged() = default;
  virtual void expect_length(std::uint64_t) {}  // a hint: what it will have in the end, written in order
  virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;  // Kind::no_room when the disk is full
  // A hint that these bytes do not change any more. Of files it does not wait.
  virtual Result<void> start_write_back(std::uint64_t offset, std::uint64_t size) = 0;
  // Bytes and name survive the loss of this machine. Gives the extents that a row must name before anybody is told so:
  // each once, none of files. A failed call is final: of files the blob is lost; of objects what no row names yet is.
  virtual Result<Extents> make_durable() = 0;
  virtual Result<Extents> make_bytes_durable() = 0;  // enough for a blob that is published next
  // Of a store beyond a network: begins to make durable what was written, and gives the topic that is woken when to
  // ask again; nothing: make_durable() waits for no network.
  virtual std::optional<Id> begin_durable() { return std::nullopt; }
  // Enough is on its way: no more should be written before this topic is woken.
  virtual std::optional<Id> full() const { return std::nullopt; }
  struct Kept {
    std::uint64_t end;
    Extents extents;
  };
  // As make_durable() of the `end` bytes that were written in order, or of fewer: what is to be had without waiting for
  // a network.
  virtual Result<Kept> keep_some(std::uint64_t end) {
    auto extents = make_durable();
    if (!extents) return tl::unexpected(extents.error());
    return Kept{end, std::move(*extents)};
  }
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

// Bytes of an open file, for sendfile and pread. The descriptor is good until more is taken from where they came.
struct FileRun {
  int fd;
  std::uint64_t offset, size;
};
// Bytes are on their way: ask again when the topic is woken.
struct NotYet {
  Id topic;
};
using Piece = std::variant<FileRun, std::string, NotYet>;

// How what a client takes from the store itself is presented to it. Values of headers.
struct Presented {
  std::string type, disposition;
};

// A blob open for reading. A file stays readable while it is open, whatever happens to the blob.
class Opened {
 public:
  virtual ~Opened() = default;
  virtual std::uint64_t size() const = 0;  // now: a staged blob grows
  // At most so many bytes from `offset` on, which are there; at least one. Never waits. For one reader, in order.
  virtual Result<Piece> take(std::uint64_t offset, std::uint64_t most) = 0;
  // Fills `out` from `offset`; fewer bytes only at the end of the blob. May wait.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // An address at which a client gets all `size` bytes of the blob from the store itself; nothing: there is none.
  virtual std::optional<std::string> address(std::uint64_t /*size*/, const Presented& /*as*/) const {
    return std::nullopt;
  }
};

struct BlobUse {
  BlobKey blob;
  bool staged;
  std::uint64_t size;
};

// An object of the store, whether a row names it or not.
struct StoredObject {
  std::string name;
  std::optional<BlobKey> blob;  // whose name it bears; nothing: it is not ours
  WallTime modified;            // by the store's clock
};
struct ObjectPage {
  std::vector<StoredObject> objects;
  std::string next;  // where the next page begins; empty: this was the last
  WallTime now{};    // by the store's clock
};

// Thread-safe. Kind::unavailable: worth asking again soon.
class Blobs {
 public:
  virtual ~Blobs() = default;
  // Whether blobs are what rows say: the extents of Catalog::extents(). Then there is nothing to be compared at a
  // start, list() is empty and objects() is not, and what is removed goes by and by.
  virtual bool in_objects() const { return false; }
  virtual Result<std::unique_ptr<Staged>> create(const BlobKey& blob) = 0;  // Kind::exists if there is one
  virtual Result<std::unique_ptr<Staged>> reopen(const BlobKey& blob) = 0;  // a staged one
  // Moves staged blobs into the store, without replacing any; durable when it returns (if they were made durable).
  virtual Result<void> publish(const std::vector<BlobKey>& blobs) = 0;
  virtual Result<std::unique_ptr<Opened>> open(const BlobKey& blob) = 0;  // staged or stored; Kind::not_found
  virtual Result<void> remove(const BlobKey& blob) = 0;                   // staged or stored; absent is fine
  // The same of many; gives those that could not be removed. Kind::locked: not yet, which is no trouble.
  virtual std::vector<std::pair<BlobKey, Error>> remove_all(std::span<const BlobKey> blobs) {
    std::vector<std::pair<BlobKey, Error>> failed;
    for (const BlobKey& blob : blobs)
      if (auto removed = remove(blob); !removed) failed.emplace_back(blob, removed.error());
    return failed;
  }
  virtual Result<ObjectPage> objects(const std::string& /*from*/) { return ObjectPage(); }  // empty: from the first
  virtual Result<void> remove_object(const std::string& /*name*/) { return {}; }
  // That the place is the catalog's of this id, and no other's; `anew`: it takes the place now. Kind::usage.
  virtual Result<void> belong_to(const std::string& /*catalog*/, bool /*anew*/) { return {}; }
  // What is wrong with a store beyond a network, as long as it is. Never waits.
  virtual std::optional<std::string> trouble() { return std::nullopt; }
  virtual Result<void> quarantine(const BlobKey& blob) = 0;  // set aside a blob that no row names
  virtual Result<std::vector<BlobUse>> list() = 0;
  virtual std::uint64_t free_bytes() const = 0;
  virtual void measure(Measures& /*to*/) const {}  // what it counts
  // Whether this machine has room for what is on its way to a store beyond a network. Never waits.
  virtual bool has_room() const { return true; }
};

}  // namespace qrx::space
