// How the files of one delivery are sealed: the secrets of each, wire names that say nothing, and the manifest that
// tells the receiver what they are called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/result.h"
#include "seal/sealer.h"
#include "send/items.h"
#include "send/sources.h"
#include "wire/messages.h"

namespace qrx::send {

// A small file sealed in memory.
Result<std::string> seal_whole(seal::Sealer sealer, ByteView plain);

// Everything follows from the seed, the sources and how they make up items, so that a second run seals the same bytes.
// An item of which a source changed (name, size, times, inode) has other secrets and another wire name. `preserve` is
// that of SenderOptions. Immutable; any number of threads.
class SealPlan {
 public:
  static Result<SealPlan> make(const seal::Recipient& recipient, const seal::Key& seed, const SourceList& sources,
                               const Items& items, const std::string& message, bool preserve = false);

  const std::string& item(std::size_t item) const { return items_[item].name; }  // the wire name
  // Makes one X25519 multiplication.
  Result<seal::Sealer> sealer(std::size_t item) const;
  const std::string& manifest() const { return manifest_; }  // sealed: the bytes to send

 private:
  struct Item {
    std::string name;
    std::string tag;            // until the manifest is made
    seal::SealSecrets secrets;  // kept: to derive them a second time costs a tenth of what sealing a small file does
  };
  explicit SealPlan(const seal::Recipient& recipient) : recipient_(recipient) {}
  static Result<Item> make_item(const seal::Key& seed, const std::string& context);
  Result<void> make_items(const seal::Key& seed, const SourceList& sources, const Items& items);

  seal::Recipient recipient_;
  std::vector<Item> items_;
  std::string manifest_;
};

}  // namespace qrx::send
