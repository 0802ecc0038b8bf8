// How much memory the names, metadata and messages hold of what is under way: uploads that run, deliveries that are
// open. Whoever has a link begins as many as it likes, nothing of them counts as bytes of a file, and they stay for a
// day: so each space has a limit of them, and all together.
// Private to src/space.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/result.h"

namespace qrx::space {

// Thread-safe, as its parts are: its mutex is a leaf.
class TextMemory {
 public:
  // A small file of an open delivery has its name twice in memory: here it counts once.
  static constexpr std::uint64_t most_bytes = 128U << 20;
  // 100,000 names of 255 bytes take 24 MiB: as many files as a space has unless asked otherwise, twice over.
  static constexpr std::uint64_t most_of_space = 64U << 20;
  // A space for a few bytes has files with names, too.
  static constexpr std::uint64_t least_of_space = 1U << 20;
  // So much is held by right, however much others hold: one upload with the longest name and the most metadata, or
  // dozens as people send them.
  static constexpr std::uint64_t free_of_space = 32U << 10;

  // What one space holds.
  class OfSpace {
   public:
    // `max_size` of the space; 0: no limit.
    OfSpace(std::shared_ptr<TextMemory> all, std::uint64_t max_size);
    std::uint64_t bytes() const;

   private:
    friend class TextMemory;
    const std::shared_ptr<TextMemory> all_;
    const std::uint64_t most_;
    std::uint64_t bytes_ = 0;  // guarded by the mutex of `all_`
  };

  // What one upload or one delivery holds. Given back when it goes, so that what counts is what is in memory. One
  // thread at a time.
  class Hold {
   public:
    explicit Hold(std::shared_ptr<OfSpace> space) : space_(std::move(space)) {}
    ~Hold() { give_back(bytes_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    // So many bytes more. Kind::too_large: this one alone would be over the limit of its space; Kind::no_room_now: with
    // what others hold.
    Result<void> take(std::uint64_t bytes);
    Result<void> replace(std::uint64_t former, std::uint64_t bytes);  // the same, for what goes
    void add(std::uint64_t bytes);                                    // is there already, fits or not
    void give_back(std::uint64_t bytes);
    void set(std::uint64_t bytes);  // all that it holds, as add()

   private:
    const std::shared_ptr<OfSpace> space_;
    std::uint64_t bytes_ = 0;
  };

 private:
  std::mutex mutex_;
  std::uint64_t bytes_ = 0;
};

}  // namespace qrx::space
