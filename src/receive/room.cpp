#include "receive/room.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "receive/beneath.h"

namespace qrx::receive {
namespace {

bool on_tmpfs(int fd) {
  struct statfs found {};
  return ::fstatfs(fd, &found) == 0 && static_cast<long>(found.f_type) == TMPFS_MAGIC;
}

}  // namespace

Result<void> check_room(int directory, std::uint64_t bytes, const std::string& doing) {
  struct statvfs room {};
  // No blocks at all: a file system that does not say.
  if (::fstatvfs(directory, &room) == 0 && room.f_blocks > 0 && room.f_frsize > 0) {
    const std::uint64_t left = ::geteuid() == 0 ? room.f_bfree : room.f_bavail;
    if (bytes / room.f_frsize >= left && bytes > 0) return fail_errno(doing, ENOSPC);
  }
  // A quota shows only when blocks are taken. Not tried on a tmpfs, where that would fill the memory.
  if (bytes == 0 || on_tmpfs(directory)) return {};
  const UniqueFd probe = make_probe(directory);
  if (probe && ::fallocate(probe.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT))
    return fail_errno(doing);
  return {};
}

}  // namespace qrx::receive
