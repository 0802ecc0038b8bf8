// The JSON of spaces as their owners see them, kept by seq, so that asking again costs a look-up.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "wire/id.h"

namespace qrx::serve {

// Thread-safe. Holds at most 8 MiB of text; when it is full it starts afresh. Texts over 1 MiB are not kept.
class StatusCache {
 public:
  using Text = std::shared_ptr<const std::string>;

  Text find(const Guid& guid, std::uint64_t seq) const;  // null: not here
  void keep(const Guid& guid, std::uint64_t seq, Text text);

 private:
  struct Entry {
    std::uint64_t seq;
    Text text;
  };
  mutable std::mutex mutex_;
  std::unordered_map<Guid, Entry, IdHash> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace qrx::serve
