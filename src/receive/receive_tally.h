// All events of one receiver, one at a time, and the figures of what is coming in.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "receive/received.h"
#include "wire/id.h"
#include "wire/messages.h"

namespace qrx::receive {

// Keyed: a server chooses the ids, and could choose them so that all were alike to a hash that it knows.
struct KeyedIdHash {
  using Halves = std::array<std::uint64_t, 2>;
  Halves key = std::bit_cast<Halves>(random_bytes<16>());
  std::size_t operator()(const Id& id) const {
    const auto halves = std::bit_cast<Halves>(id.bytes);
    const std::uint64_t product = (halves[0] ^ key[0]) * ((halves[1] ^ key[1]) | 1);
    return static_cast<std::size_t>(product ^ product >> 32);
  }
};

// Thread-safe. Events are called with its mutex held: they may not call back.
class ReceiveTally {
 public:
  explicit ReceiveTally(const ReceiverEvents& events) : events_(events) {}

  // What is known of one file that comes in: from the server's list, or from its download here.
  void expect(const Id& file, const std::string& name, std::optional<std::uint64_t> total, bool uploading);
  void arrived(const Id& file, std::uint64_t bytes);
  void forget(const Id& file);  // delivered, or withdrawn

  void notice(const std::string& text);
  void retrying(const std::string& text);
  void saved(const SavedFile& file);
  bool delivered(const SavedDelivery& delivery);  // as ReceiverEvents has it; true when nobody listens
  void refused(const wire::DeliveryInfo& delivery, const Error& error);
  Wish accept(const wire::DeliveryInfo& delivery, const wire::FileInfo& file);
  Wish keep(const wire::FileInfo& file, int descriptor);  // ReceiverEvents::arrived

 private:
  struct Incoming {
    std::string name;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> total;
    bool uploading = false;
  };
  void tell(const Incoming& last, bool at_once);  // with the mutex held

  const ReceiverEvents& events_;
  std::mutex mutex_;
  std::unordered_map<Id, Incoming, KeyedIdHash> incoming_;
  std::uint64_t bytes_ = 0, known_total_ = 0;
  std::size_t unknown_totals_ = 0, uploading_ = 0;
  Steady next_tell_{};
};

}  // namespace qrx::receive
