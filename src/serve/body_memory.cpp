#include "serve/body_memory.h"

#include "base/ip_address.h"

namespace qrx::serve {
namespace {

// A body grows by pieces of the network: not each of them asks.
constexpr std::size_t taken_at_once = 64U << 10;

}  // namespace

BodyMemory::Hold::Hold(BodyMemory& all, std::string_view peer) : all_(all), key_(peer_key(peer)) {}

BodyMemory::Hold::~Hold() {
  if (held_ > 0) all_.give_back(key_, held_);
}

Result<void> BodyMemory::Hold::keep(std::size_t bytes) {
  if (bytes <= free_bytes + held_) return {};
  const std::size_t missing = bytes - free_bytes - held_;
  const std::size_t more = (missing + taken_at_once - 1) / taken_at_once * taken_at_once;
  if (!all_.take(key_, more)) return fail(Kind::unavailable, "the server is receiving too much at once");
  held_ += more;
  return {};
}

bool BodyMemory::take(const std::string& key, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > most_bytes - all_) return false;
  if (!key.empty()) {
    std::size_t& held = by_key_[key];
    if (bytes > most_of_one - held) {
      if (held == 0) by_key_.erase(key);
      return false;
    }
    held += bytes;
  }
  all_ += bytes;
  return true;
}

void BodyMemory::give_back(const std::string& key, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  all_ -= bytes;
  if (key.empty()) return;
  const auto held = by_key_.find(key);
  held->second -= bytes;
  if (held->second == 0) by_key_.erase(held);
}

}  // namespace qrx::serve
