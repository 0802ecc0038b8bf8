// How much memory bodies hold that are kept whole until they are complete, and until the work that they ask for is
// done: a client that sends slowly, or never ends, holds what it has sent. Each address has a share, so that one cannot
// use up what all have.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace qrx::serve {

// Thread-safe.
class BodyMemory {
 public:
  // 512 files of the largest size that comes whole (wire::most_small_bytes), a quarter of them from one address.
  static constexpr std::size_t most_bytes = 128U << 20;
  static constexpr std::size_t most_of_one = most_bytes / 4;
  // So much of each body is held by right, as its head is: what people ask for fits, whoever holds the rest.
  static constexpr std::size_t free_bytes = 16U << 10;

  // What one body holds; given back when it goes. One thread at a time.
  class Hold {
   public:
    // `peer`: its address; empty (a Unix socket) has no share of its own to stay in.
    Hold(BodyMemory& all, std::string_view peer);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    // So many bytes in all, from now on. Kind::unavailable: others hold too much, or this address does.
    Result<void> keep(std::size_t bytes);

   private:
    BodyMemory& all_;
    const std::string key_;
    std::size_t held_ = 0;  // beyond free_bytes
  };

 private:
  bool take(const std::string& key, std::size_t bytes);
  void give_back(const std::string& key, std::size_t bytes);

  std::mutex mutex_;
  std::size_t all_ = 0;
  std::unordered_map<std::string, std::size_t> by_key_;
};

}  // namespace qrx::serve
