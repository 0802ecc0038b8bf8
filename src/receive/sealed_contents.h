// What a committed delivery really holds: its manifest read, its items under the names that the sender gave them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "wire/messages.h"

namespace qrx::receive {

struct Item {
  wire::FileInfo info;  // as the server has it: sealed, with the sealed size
  std::string name;     // as it is to be saved: hostile
  bool open = false;    // sealed: to be opened
  bool in_manifest = false;
  std::string tag;  // what opening must show, when it is in the manifest
};

struct DeliveryContents {
  wire::DeliveryInfo shown;  // for people: real names, plain sizes, the message; the manifest is no file of it
  std::vector<Item> items;   // as shown.files
  std::string manifest_tag;  // empty: there is no manifest
  std::optional<wire::FileInfo> list;  // the manifest, as the server has it
  std::string sealed_list;             // of a limited link: its bytes
  std::vector<std::string> item_tags;  // of what it names, sorted
  bool locked = false;                 // more came, sealed, with options.refuse_sealed: these are not among the items
};

// Fetches and opens the manifest, if there is one. Retries trouble. Kind::integrity when it was tampered with, or an
// item of it is missing, and for whatever is not sealed when only sealed files are taken. Without an identity
// everything is as the server has it.
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

Error not_sealed(const std::string& name);  // with --seal require
Error no_key();                             // of what is locked

}  // namespace qrx::receive
