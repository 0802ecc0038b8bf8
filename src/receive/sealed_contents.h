// What a committed delivery really holds: its manifest read, its items under the names that the sender gave them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "wire/messages.h"

namespace qrx::receive {

// What makes a file one of a pack: an item that holds several small ones (wire::ManifestFile).
struct PackPart {
  Id id;                               // its own, which the server does not know; a later run gives it the same
  std::uint64_t offset = 0, size = 0;  // in what the item holds
  std::size_t first = 0, end = 0;      // all of the pack, among the items of the delivery
};

struct Item {
  wire::FileInfo info;  // as the server has it: sealed, with the sealed size; of a pack the same for all of its files
  std::string name;     // as it is to be saved: hostile
  bool open = false;    // sealed: to be opened
  bool in_manifest = false;
  std::string tag;  // what opening must show, when it is in the manifest
  std::optional<PackPart> part = {};

  const Id& id() const { return part ? part->id : info.file; }  // by which this machine knows the file
};

struct DeliveryContents {
  // For people: real names, plain sizes, the message; files by Item::id(). The manifest is no file of it.
  wire::DeliveryInfo shown;
  std::vector<Item> items;             // as shown.files
  std::string manifest_tag;            // empty: there is no manifest
  std::optional<wire::FileInfo> list;  // the manifest, as the server has it
  std::string sealed_list;             // of a limited link: its bytes
  std::vector<std::string> item_tags;  // of the items that it names, sorted
  bool locked = false;                 // more came, sealed, with options.refuse_sealed: these are not among the items
};

// Fetches and opens the manifest, if there is one. Retries trouble. Kind::integrity when it was tampered with, an item
// of it is missing, or it names more than job.max_files, and for whatever is not sealed when only sealed files are
// taken. Without an identity everything is as the server has it.
Result<DeliveryContents> read_contents(const ReceiveJob& job, const wire::DeliveryInfo& delivery);

// Before anything of the delivery is saved: Kind::integrity when its manifest, or an item of it, was taken in another
// one. From now on all of them belong to it.
Result<void> admit(const ReceiveJob& job, const DeliveryContents& contents);

// Is this what the item has to be, and nothing that was taken in another delivery, or that the manifest names under
// another name? Kind::integrity otherwise. From now on it belongs to this delivery; with `durable` also after a loss of
// power, as what is in the manifest does since admit().
Result<void> admit_item(const ReceiveJob& job, const DeliveryContents& contents, const Item& item,
                        const std::string& tag, bool durable = true);

// The file as it came out of its seal.
wire::FileInfo opened_info(const Item& item, std::uint64_t size, const Xxh128Sum& sum);
wire::FileInfo unopened_info(const Item& item);  // as it came

Error not_sealed(const std::string& name);  // with --seal require
Error no_key();                             // of what is locked

}  // namespace qrx::receive
