// Which sealed items a receiver took, and in which delivery: so that a server cannot show one of them once more.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/id.h"

namespace qrx::receive {

// Knows items by their tags (seal/item.h): nobody but their sender and their receiver can make one, and sealing anew
// gives another. Thread-safe; several processes may share the record of one space.
//
// A text file "GUID.seals", mode 0600, with a line "TAG DELIVERY" each, oldest first. It outlives a run, whatever its
// end: remove() is for a space that is gone. A directory keeps those of the last `most_spaces` that were used.
class SeenSeals {
 public:
  // Then the older half is forgotten: some 6 MB of file, 12 of memory.
  static constexpr std::size_t most_tags = 100'000;
  static constexpr std::size_t most_spaces = 1'000;

  // An empty directory: only this run is remembered. It is made when there is something to remember; trouble with the
  // file is told to `notice`, once, and is no error.
  SeenSeals(std::string directory, const Guid& space, std::function<void(const std::string&)> notice);

  // False when one of them was taken in another delivery, and then none of the others is taken. Else all belong to this
  // delivery from now on; with `durable` also after a loss of power. Malformed tags are ignored. However many there
  // are: one lock of the file, one write, one sync.
  bool take(const Id& delivery, std::span<const std::string> tags, bool durable);
  // Of one. What this run has taken already, and made durable if it has to be, is answered without the file.
  bool take(const Id& delivery, const std::string& tag, bool durable) {
    return take(delivery, std::span(&tag, 1), durable);
  }
  void remove();

 private:
  using Tag = std::array<std::uint8_t, 16>;
  struct TagHash {
    std::size_t operator()(const Tag& tag) const;
  };
  class Locked;

  static std::optional<Tag> parse_tag(std::string_view text);
  bool known_elsewhere(std::span<const Tag> tags, const Id& delivery) const;
  void drop_known(std::vector<Tag>& tags) const;
  void remember(const Tag& tag, const Id& delivery);

  Result<void> open(bool create);  // where there is none, and none is to be made, nothing is open
  void catch_up();
  void read_line(std::string_view line);
  Result<void> append(std::span<const Tag> tags, const Id& delivery);
  Result<void> sync();
  Result<void> rewrite();
  void drop_oldest_spaces() const;
  void give_up(const Error& error);

  std::string directory_, path_;  // empty: there is no file
  std::function<void(const std::string&)> notice_;
  std::mutex mutex_;
  UniqueFd file_;
  std::uint64_t read_ = 0;  // of the file
  bool unsynced_ = false;   // a line that is known, of whichever process, may not be durable
  std::unordered_map<Tag, Id, TagHash> deliveries_;
  std::deque<Tag> order_;  // oldest first
};

// "... was received before": of what a server shows in another delivery.
Error shown_again(const std::string& name);

}  // namespace qrx::receive
