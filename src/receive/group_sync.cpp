#include "receive/group_sync.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <map>

namespace qrx::receive {
namespace {

// Below that the sync of a whole file system does not pay: it waits for others' bytes as well.
constexpr std::size_t fewest = 4;  // fewer are synced one by one
constexpr int groups_passed_over = 16;
constexpr long xfs_magic = 0x58465342;  // statfs(2) names it; linux/magic.h did not before Linux 5.17

bool syncs_surely(int fd) {
  struct statfs found {};
  if (::fstatfs(fd, &found) != 0) return false;
  const auto type = static_cast<long>(found.f_type);
  return type == EXT4_SUPER_MAGIC || type == xfs_magic || type == BTRFS_SUPER_MAGIC || type == TMPFS_MAGIC;
}

}  // namespace

bool GroupSync::sync_together(const std::vector<PartialFile*>& group) {
  if (passed_over_ > 0) {
    --passed_over_;
    return false;
  }
  JoinedCall* call = nullptr;
  {
    const std::lock_guard lock(mutex_);
    call = &calls_[group.front()->device()];
  }
  const Steady start = system_clock().steady();
  // It also waits for what other programs have written to the same disk.
  const bool synced = call->run([&] { return ::syncfs(group.front()->descriptor()) == 0; });
  // A disk that is busy with others' bytes makes this slower than what it replaces: not again for a while.
  if (system_clock().steady() - start > worth_ * static_cast<long>(group.size())) passed_over_ = groups_passed_over;
  if (!synced) return false;
  // Kernels before 5.8 told nobody by syncfs() that bytes could not be written; each file knows of its own.
  for (PartialFile* file : group) file->confirm_durable();
  return true;
}

void GroupSync::sync(const std::vector<PartialFile*>& files) {
  // Something else may be mounted inside the output directory.
  std::map<dev_t, std::vector<PartialFile*>> by_device;
  for (PartialFile* file : files) by_device[file->device()].push_back(file);
  for (const auto& [device, group] : by_device) {
    if (group.size() < fewest) continue;
    if (syncs_surely(group.front()->descriptor()) && sync_together(group)) continue;
    // Each is then synced by itself. By that time the bytes of all are on their way, side by side, and what the first
    // sync commits is mostly what the others wait for.
    for (PartialFile* file : group) file->start_write_back();
  }
}

}  // namespace qrx::receive
