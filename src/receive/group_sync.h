// Many small files, or the names in many directories, made durable by one sync of their file system, in place of one
// for each of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "receive/joined_call.h"
#include "receive/partial_file.h"

namespace qrx::receive {

// A sync of one new file has ext4 commit its journal and flush the disk: milliseconds, for each of ten thousand files.
// syncfs(2) does that once for all that is there, and once for all threads that wait for it. It also waits for what
// others have written to the same file system, and on some it promises less than fsync(2). So it is used where it is
// known to write bytes and names and to flush (ext, XFS, Btrfs, tmpfs), while it is not slower, on the whole, than what
// it stands for. Thread-safe.
class GroupSync {
 public:
  // `worth`: what the sync of one file is taken to cost.
  explicit GroupSync(Millis worth = Millis{5}) : worth_(worth) {}

  // Those that are durable now know it; the others are left to PartialFile::publish(), and are on their way to the
  // disk. None may be in use elsewhere.
  void sync(const std::vector<PartialFile*>& files);
  // Of so many things that all are on the file system of the descriptor: true when they are durable now.
  bool sync(int descriptor, std::size_t count);

 private:
  const Millis worth_;
  std::atomic<std::chrono::nanoseconds::rep> lost_{0};  // time beyond what it stood for, not made up for since
  std::atomic<bool> slow_{false};
  std::mutex mutex_;  // of calls_, whose entries stay
  std::map<dev_t, JoinedCall> calls_;
};

}  // namespace qrx::receive
