// Where bytes stay on this machine while they are on their way to the store: files without a name, which are gone with
// the process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::s3 {

class Spool;

// One file; its room is given back when it goes. Thread-safe.
class SpoolFile {
 public:
  SpoolFile(std::shared_ptr<Spool> spool, UniqueFd fd) : spool_(std::move(spool)), fd_(std::move(fd)) {}
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  int fd() const { return fd_.get(); }
  // Waits a while for room. Kind::unavailable: other nodes may have some.
  Result<void> write_at(std::uint64_t offset, ByteView bytes);
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const;  // fewer bytes only at its end

 private:
  const std::shared_ptr<Spool> spool_;
  const UniqueFd fd_;
  std::mutex mutex_;
  std::uint64_t size_ = 0;  // taken of the spool
};

// Thread-safe.
class Spool : public std::enable_shared_from_this<Spool> {
 public:
  static Result<std::shared_ptr<Spool>> open(const std::string& directory, std::uint64_t most);
  Result<std::shared_ptr<SpoolFile>> make();

  bool take(std::uint64_t bytes, Millis wait);
  void give_back(std::uint64_t bytes);
  std::uint64_t used() const {
    const std::lock_guard lock(mutex_);
    return used_;
  }
  std::uint64_t most() const { return most_; }
  // False when its disk is full, and for a while after somebody found no room here: who comes may need as much.
  bool has_room() const;
  void refused() { refused_ = system_clock().steady(); }

 private:
  Spool(std::string directory, std::uint64_t most) : directory_(std::move(directory)), most_(most) {}

  const std::string directory_;
  const std::uint64_t most_;
  mutable std::mutex mutex_;
  std::condition_variable less_;
  std::atomic<Steady> refused_{};
  std::uint64_t used_ = 0;
};

}  // namespace qrx::s3
