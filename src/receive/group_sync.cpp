#include "receive/group_sync.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace qrx::receive {
namespace {

// Below that the sync of a whole file system does not pay: it waits for others' bytes as well.
constexpr std::size_t fewest = 4;       // fewer are synced one by one
constexpr long most_lost = 1'000;       // of what the sync of one file is worth: 5 s, over all threads
constexpr long xfs_magic = 0x58465342;  // statfs(2) names it; linux/magic.h did not before Linux 5.17

bool syncs_surely(int fd) {
  struct statfs found {};
  if (::fstatfs(fd, &found) != 0) return false;
  const auto type = static_cast<long>(found.f_type);
  return type == EXT4_SUPER_MAGIC || type == xfs_magic || type == BTRFS_SUPER_MAGIC || type == TMPFS_MAGIC;
}

}  // namespace

bool GroupSync::sync(int descriptor, std::size_t count) {
  struct stat status {};
  if (slow_ || count < fewest || !syncs_surely(descriptor) || ::fstat(descriptor, &status) != 0) return false;
  JoinedCall* call = nullptr;
  {
    const std::lock_guard lock(mutex_);
    call = &calls_[status.st_dev];
  }
  const Steady start = system_clock().steady();
  // It also waits for what other programs have written to the same disk.
  const bool synced = call->run([&] { return ::syncfs(descriptor) == 0; });
  // A backlog of others' bytes (a copy that has just ended) is waited for once, and the next syncs make up for it: to
  // turn to a sync for each of thousands of files then would cost many times that. A disk that stays busy makes each
  // slower than what it replaces: not again in this delivery.
  const std::chrono::nanoseconds lost = system_clock().steady() - start - worth_ * static_cast<long>(count);
  auto before = lost_.load();
  while (!lost_.compare_exchange_weak(before, std::max<std::chrono::nanoseconds::rep>(before + lost.count(), 0))) {
  }
  if (std::chrono::nanoseconds(lost_.load()) > worth_ * most_lost) slow_ = true;
  return synced;
}

void GroupSync::sync(const std::vector<PartialFile*>& files) {
  // Something else may be mounted inside the output directory.
  std::map<dev_t, std::vector<PartialFile*>> by_device;
  for (PartialFile* file : files) by_device[file->device()].push_back(file);
  for (const auto& [device, group] : by_device) {
    if (sync(group.front()->descriptor(), group.size())) {
      // Kernels before 5.8 told nobody by syncfs() that bytes could not be written; each file knows of its own.
      for (PartialFile* file : group) file->confirm_durable();
      continue;
    }
    // Each is then synced by itself. By that time the bytes of all are on their way, side by side, and what the first
    // sync commits is mostly what the others wait for.
    if (group.size() >= fewest)
      for (PartialFile* file : group) file->start_write_back();
  }
}

}  // namespace qrx::receive
