// The JSON messages of the protocol (qrx-protocol(7)), as structs; pure functions to text and back.
// Readers are strict about types and ranges, ignore members they do not know, and give Kind::usage for anything else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/delivery.h"
#include "wire/id.h"
#include "wire/limits.h"
#include "wire/properties.h"

namespace qrx::wire {

enum class Seal : std::uint8_t { offer, require, off };
enum class SpaceState : std::uint8_t { open, closed };

// Of a sender: Kind::usage when it is longer than most_message_bytes, or not UTF-8.
Result<void> check_message(std::string_view message);

std::string_view to_text(Seal seal);
std::optional<Seal> seal_from_text(std::string_view text);

struct Limits {
  std::uint64_t max_size = 0;   // bytes of all files of the space together; 0: no limit
  std::uint64_t max_files = 0;  // 0: no limit
  friend bool operator==(const Limits&, const Limits&) = default;
};

// POST /api/v1/spaces
struct CreateSpace {
  std::optional<Seconds> expire;
  std::optional<std::uint64_t> max_size;
  std::optional<std::uint64_t> max_files;
  std::string label;
  Seal seal = Seal::offer;
  std::string key;     // age recipient, or empty
  bool packs = false;  // whoever opens its items understands packs: items of several small files (qrx-seal(7))
};

// Its answer, 201
struct SpaceCreated {
  Guid guid;
  std::string drop;   // link
  std::string owner;  // link, with the token in its fragment
  std::string token;
  WallTime expires;
  Seconds interval{5};  // how often to ask, for clients that poll
  Limits limits;
};

// An upload in progress; its content can be read at …/files/{upload} while it grows.
struct UploadInfo {
  Id upload;
  Id delivery;
  std::string name;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  // absent: not known yet
  friend bool operator==(const UploadInfo&, const UploadInfo&) = default;
};

// A delivery of several files that is not committed. Its running uploads stand among the uploads.
struct OpenDelivery {
  Id delivery;
  std::uint64_t files = 0, bytes = 0;  // that are there as a whole
  WallTime began;
  friend bool operator==(const OpenDelivery&, const OpenDelivery&) = default;
};

// GET /api/v1/spaces/{guid}, as its owner sees it
struct SpaceInfo {
  Guid guid;
  std::string label;
  SpaceState state = SpaceState::open;
  std::uint64_t seq = 0;  // grows with each change
  WallTime expires;
  Limits limits;
  Seal seal = Seal::offer;
  std::vector<DeliveryInfo> deliveries;  // committed ones, oldest first
  std::vector<UploadInfo> uploads;       // on the first page only
  std::vector<OpenDelivery> open;        // likewise; oldest first
  // There is more: ask again with ?from=. A delivery whose files go on there is named there again.
  std::string next;
};

// PATCH /api/v1/spaces/{guid}
struct ChangeSpace {
  std::optional<Seconds> expire;  // from now
  std::optional<SpaceState> state;
};

// GET /u/{guid} with Accept: application/json: what a sender may know before it sends
struct DropInfo {
  std::string label;
  std::string key;
  Seal seal = Seal::offer;
  SpaceState state = SpaceState::open;
  WallTime expires;
  Limits limits;       // what is left of them
  bool packs = false;  // as CreateSpace has it: small files may be sealed together
};

// POST /u/{guid}/deliveries
struct CreateDelivery {
  std::string message;
};

// A file that a delivery has taken completely (GET /u/{guid}/deliveries/{delivery}, and the answer to commit).
struct ReceivedFile {
  std::string name;
  std::uint64_t size = 0;
  Xxh128Sum xxh128{};
  friend bool operator==(const ReceivedFile&, const ReceivedFile&) = default;
};

struct DeliveryState {
  Id delivery;
  bool committed = false;
  std::vector<ReceivedFile> files;
};

// POST …/{delivery}/commit: how many files the sender handed over; the server refuses (409) when it has not as many.
struct CommitDelivery {
  std::optional<std::uint64_t> files;
};

// What the files of a sealed delivery are called: itself sealed, and sent as the item manifest_name. The server knows
// the items only by their wire names, which say nothing.
inline constexpr std::string_view manifest_name = "qrx-manifest.age";
struct ManifestFile {
  std::string item;  // its wire name, "<id>.age"
  std::string name;  // relative path: hostile
  std::string tag;   // 32 hex digits that only who opens the item can know (send/seal_plan.h)
  FileProperties properties{};
  // In bytes, of a file of a pack: an item that holds the bytes of several small files, one after the other, and
  // nothing else. Those of one pack stand together here, in their order, with its item and its tag. Absent: an item of
  // its own.
  std::optional<std::uint64_t> size{};
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};
struct Manifest {
  std::string message;
  std::vector<ManifestFile> files;
};

// RFC 9457 problem details
struct Problem {
  int status = 500;
  std::string type = "about:blank";
  std::string title;
  std::string detail;
  std::string instance;  // the server's id of the request, or empty
};

std::string to_json(const CreateSpace&);
std::string to_json(const SpaceCreated&);
std::string to_json(const SpaceInfo&, const AddressOf&);
std::string to_json(const ChangeSpace&);
std::string to_json(const DropInfo&);
std::string to_json(const CreateDelivery&);
std::string to_json(const DeliveryState&);
std::string to_json(const CommitDelivery&);
std::string to_json(const Manifest&);
std::string to_json(const Problem&);

// T is one of the structs above. At most most_json_bytes of text and a nesting of most_json_depth.
template <class T>
Result<T> from_json(std::string_view text);

}  // namespace qrx::wire
