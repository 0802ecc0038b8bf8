// How many connections and transfers there are, in all and of each peer, so that no peer takes all descriptors: a
// connection has one, and a body on its way into a file or out of one has another.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace qrx::front {

// How many connections fit into the limit of descriptors, which is raised as far as it goes. At least 16.
std::size_t connections_that_fit();

// Thread-safe.
class PeerLimits {
 public:
  enum class What : unsigned char { connection, transfer };

  // Counts as long as it lives. An empty one counts nothing.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { drop(); }
    void drop();
    explicit operator bool() const { return limits_ != nullptr; }

   private:
    friend class PeerLimits;
    PeerLimits* limits_ = nullptr;
    std::string key_;
    What what_ = What::connection;
  };

  // `most`: of both together, in all. `most_of_one`: connections of one address; 0: a quarter of `most`, and three
  // quarters for this machine's own, where a proxy may stand. Transfers of one address: a third of that.
  void set_limits(std::size_t most, std::size_t most_of_one);

  // Empty when the peer has its share, or there are too many in all, `extra` more. An empty peer (a Unix socket) has no
  // share of its own to stay in.
  Hold take(std::string_view peer, What what, std::size_t extra = 0);
  // Counts against no peer and beyond any limit.
  Hold take_anyway(What what);

  bool is_full() const;

 private:
  struct Held {
    std::size_t connections = 0, transfers = 0;
  };
  void give_back(const std::string& key, What what);
  std::size_t share_of(std::string_view peer) const;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Held> held_;
  std::size_t all_ = 0;
  std::size_t most_ = static_cast<std::size_t>(-1), most_of_one_ = 0;
};

}  // namespace qrx::front
