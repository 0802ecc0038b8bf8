// What the rules know: spaces, deliveries, uploads and files, as they stand in the catalog.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "wire/id.h"
#include "wire/messages.h"

namespace qrx::space {

using wire::Limits;
using wire::Seal;

// The name of a blob in the blob store. A blob holds one large file, or the small files of a delivery one after
// another.
using BlobKey = Id;

// What something counts for beside its bytes. The manifest of a sealed delivery is no file of it, but there cannot be
// more of them than files. Parts of a concatenation are no files either, but each is one in the store. `texts`: bytes
// of names, and of messages, which the catalog holds.
struct Weight {
  std::uint64_t files = 0, manifests = 0, parts = 0, texts = 0;
  friend bool operator==(const Weight&, const Weight&) = default;
  Weight& operator+=(const Weight& more) {
    files += more.files;
    manifests += more.manifests;
    parts += more.parts;
    texts += more.texts;
    return *this;
  }
};
inline constexpr Weight text_weight{0, 1, 0, 0};  // a delivery that is its message, without a file
inline Weight weight_of(std::string_view name) {
  return name == wire::manifest_name ? Weight{0, 1, 0, name.size()} : Weight{1, 0, 0, name.size()};
}
// A space holds as many bytes of names and messages as it may hold of files, beside these; a space for a few bytes has
// files with names, too. 0: no limit.
inline constexpr std::uint64_t least_texts = 1U << 20;
inline std::uint64_t most_texts(const Limits& limits) {
  return limits.max_size == 0 ? 0 : std::max(limits.max_size, least_texts);
}

// A client that sends one file in parallel parts has more uploads than files for a while.
inline constexpr std::uint64_t parts_beyond_files = 64;

// What is taken of the limits of a space: bytes of files and those of uploads that arrived durably; each file, and each
// upload from its first durable byte on; the message of each committed delivery.
struct Use {
  std::uint64_t bytes = 0;
  Weight weight;
  friend bool operator==(const Use&, const Use&) = default;
  Use& operator+=(const Use& more) {
    bytes += more.bytes;
    weight += more.weight;
    return *this;
  }
};

// dying: marked for deletion, invisible to everyone. blocked: by the operator; gone for its owner, unknown to others.
enum class Phase : std::uint8_t { open, closed, dying, blocked };

struct SpaceRow {
  Guid guid;
  Sha256Sum owner_hash{};  // of the owner token's text
  std::string label;
  std::string key;  // age recipient, or empty
  Seal seal = Seal::offer;
  bool packs = false;  // told to senders; an item is a file, whatever is in it
  Limits limits;
  WallTime created, expires;
  Phase phase = Phase::open;
  std::uint64_t seq = 1;
  Use use;
};

// What is to change of a space with its next version.
struct SpaceChange {
  std::uint64_t at_least = 0;       // of the version; it grows by one or more in any case
  std::optional<WallTime> expires;  // absent: stays
  std::optional<Phase> phase;       // likewise
  Use more;                         // taken of the limits, if it fits
  bool even_if_full = false;        // it is there already
};
// What changes of a space while it lives.
struct SpaceHead {
  std::uint64_t seq = 0;
  WallTime expires{};
  Phase phase = Phase::open;
  Use use;
};
enum class Taken : std::uint8_t {
  yes,
  no_such_space,
  bytes,
  files,
  parts,
  texts
};  // but for the first: what was in the way
struct SpaceChanged {
  Taken taken = Taken::no_such_space;
  SpaceHead head;  // as of the transaction, when it was done
};

struct DeliveryRow {
  Id delivery;
  Guid guid;
  std::string message;
  WallTime created;
  std::optional<WallTime> committed;  // absent: still being handed over, invisible to readers
};

// A file whose bytes are complete. It belongs to a delivery; it is visible when that is committed.
struct FileRow {
  Id file;
  Id delivery;
  Guid guid;
  std::string name;
  std::uint64_t size = 0;
  std::string type;
  Xxh128Sum xxh128{};
  std::optional<Sha256Sum> sha256;  // once somebody asked for it
  bool sealed = false;
  BlobKey blob;
  std::uint64_t blob_offset = 0;
  wire::FileProperties properties;
};

// An upload that can be resumed. `offset` is durable: what was acknowledged.
struct UploadRow {
  Id upload;  // becomes the file's id
  Id delivery;
  Guid guid;
  std::string name;
  std::string metadata;  // Upload-Metadata as sent, for HEAD; its file's properties are in it
  std::optional<std::uint64_t> length;
  std::uint64_t offset = 0;
  std::uint64_t epoch = 0;  // grows with each writer; a stale writer's update changes nothing
  BlobKey blob;
  // Of many nodes: the one that may still write into the blob (none: Id()), and the blob of a writer that came after
  // another which did not let go. It begins with a copy, and is `blob` from its first durable byte on.
  Id holder{};
  BlobKey spare{};
  bool implicit = false;  // commits its delivery by itself when complete (a delivery of one file)
  bool partial = false;   // tus concatenation: never becomes a file by itself
  bool damaged = false;   // the stored bytes are fewer than were acknowledged
  WallTime created, expires;
};

inline Weight weight_of(const UploadRow& row) {
  return row.partial ? Weight{0, 0, 1, row.name.size()} : weight_of(row.name);
}
inline Weight message_weight(const DeliveryRow& row) {  // from its commit on
  return {0, 0, 0, row.message.size()};
}

// A delivery that is not committed, with all that is in it.
struct OpenDelivery {
  DeliveryRow row;
  std::vector<FileRow> files;
  std::vector<UploadRow> uploads;
};

// How many rows of files and the like one transaction puts or removes at most, where there may be any number of them:
// of one writer (SQLite) everybody else waits for it. A thousand files take about 10 ms there on a quiet machine.
inline constexpr std::size_t rows_at_once = 500;

// What one transaction has removed of something that is gone, and has perhaps more rows than that.
struct Removed {
  bool there = false;          // it was there: this is what made it go, or went on with that
  bool all = false;            // nothing is left of it
  std::vector<BlobKey> blobs;  // stand in the trash, each once
  std::vector<Id> uploads;     // rows that went
  std::vector<Id> deliveries;  // likewise, of a space
  Use use;                     // what counts no more beside the uploads. Of a space nothing: none of it counts
};

// A delivery that is gone while rows of it are left.
struct GoneDelivery {
  Id delivery;
  Guid guid;
};

// One space with all that is in it; immutable once handed out.
struct SpaceState {
  SpaceRow space;
  std::vector<DeliveryRow> deliveries;  // by creation
  std::vector<FileRow> files;
  std::vector<UploadRow> uploads;
};

// A space as an operator sees it.
struct SpaceSummary {
  Guid guid;
  std::string label;
  WallTime created{}, expires{};
  Phase phase = Phase::open;
  std::uint64_t files = 0, bytes = 0, uploads = 0;  // bytes: of files and uploads
};

// Where a page of committed files begins: behind the file `file` of the delivery `delivery`, by the numbers that the
// catalog gave them. The first page begins with none.
struct PageStart {
  WallTime committed{};
  std::uint64_t delivery = 0, file = 0;
  friend bool operator==(const PageStart&, const PageStart&) = default;
};

// A page ends with the file that reaches either.
struct PageSize {
  std::uint64_t files = 1000;
  std::uint64_t bytes = 256U << 10;  // of names and messages
};

struct CommittedPage {
  struct Delivery {
    DeliveryRow row;
    std::vector<FileRow> files;
  };
  std::vector<Delivery> deliveries;
  std::optional<PageStart> next;  // absent: this was the last
};

}  // namespace qrx::space
