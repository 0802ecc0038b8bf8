// Small blobs that are to be durable at about the same time become one object: the store takes as long for a byte as
// for a megabyte, and is paid by the request. Private to src/s3.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::s3 {

// Thread-safe.
class GroupPut {
 public:
  static constexpr std::uint64_t small_bytes = 256U << 10;

  struct Placed {
    std::string object;
    std::uint64_t at = 0;
  };
  // In the store: in the object that was named, or in that of another who came a moment before. Any thread; must not
  // wait.
  using Done = std::function<void(Result<Placed>)>;
  using Put = std::function<void(const std::string& object, std::string bytes, std::function<void(Result<void>)> done)>;

  explicit GroupPut(Put put) : put_(std::move(put)), thread_([this] { run(); }) {}
  ~GroupPut();

  void put(const std::string& object, const std::string& bytes, Done done);

  // One that is being written, and may come here soon: worth a moment's waiting.
  void begun() { ++writers_; }
  void ended() { --writers_; }

  std::uint64_t packs() const { return packs_; }    // objects that were stored for more than one
  std::uint64_t packed() const { return packed_; }  // how many blobs are in those

 private:
  struct Batch {
    std::string object, bytes;
    std::vector<std::pair<std::uint64_t, Done>> members;
    Steady last{};
  };
  void run();
  void close(std::unique_lock<std::mutex>& lock);  // what came so far is put

  const Put put_;
  std::atomic<int> writers_{0};
  std::atomic<std::uint64_t> packs_{0}, packed_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Batch> open_;
  bool stopping_ = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace qrx::s3
