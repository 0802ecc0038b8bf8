// Small blobs that are to be durable at about the same time become one object: the store takes as long for a byte as
// for a megabyte, and is paid by the request. Private to src/s3.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::s3 {

// Thread-safe.
class GroupPut {
 public:
  // A batch of small files (qrx-protocol(7)) as qrx-send makes it: what it ends with may be a whole small file.
  static constexpr std::uint64_t small_bytes = 512U << 10;

  struct Placed {
    std::string object;
    std::uint64_t at = 0;
  };
  // In the store: in the object that was named, or in that of another who came a moment before. Any thread; must not
  // wait.
  using Done = std::function<void(Result<Placed>)>;
  // Bytes that stay where they are until they are in the store.
  struct Bytes {
    std::uint64_t size = 0;
    std::function<Result<std::size_t>(std::uint64_t at, std::span<char> out)> read;
  };
  using Put = std::function<void(const std::string& object, Bytes bytes, std::function<void(Result<void>)> done)>;

  GroupPut(Clock& clock, Put put);  // `clock` is that of all nodes
  ~GroupPut();

  void put(const std::string& object, Bytes bytes, Done done);

  // One that is being written, and may come here soon: worth a moment's waiting.
  void begun() { ++writers_; }
  void ended() { --writers_; }

  std::uint64_t packs() const { return packs_; }    // objects that were stored for more than one
  std::uint64_t packed() const { return packed_; }  // how many blobs are in those

 private:
  struct Member {
    std::uint64_t at;
    Bytes bytes;
    Done done;
  };
  struct Batch {
    std::string object;
    std::vector<Member> members;
    std::uint64_t size = 0;
    Steady last{};
  };
  static Result<std::size_t> read(const Batch& batch, std::uint64_t at, std::span<char> out);
  void run();
  // Only on the thread, for whoever puts holds locks of its own.
  void close(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Batch>& batch);

  Clock& clock_;
  const Put put_;
  std::atomic<int> writers_{0};
  std::atomic<std::uint64_t> packs_{0}, packed_{0};
  // How long the next is waited for. Requests under way, which may outlive this, change it.
  const std::shared_ptr<std::atomic<std::int64_t>> quiet_ms_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Batch> open_;
  std::deque<std::shared_ptr<Batch>> full_;
  bool stopping_ = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace qrx::s3
