#include "base/preallocator.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

namespace qrx {
namespace {

// Large enough that the calls do not show, small enough for what may stay allocated behind a short file.
constexpr std::uint64_t step = 16U << 20;
constexpr std::uint64_t worth_it = 1U << 20;

bool on_ext4(int fd) {
  struct statfs status {};
  return ::fstatfs(fd, &status) == 0 && status.f_type == EXT4_SUPER_MAGIC;
}

}  // namespace

void Preallocator::before_write(int fd, std::uint64_t offset, std::uint64_t bytes, std::uint64_t length) {
  if (!helps_ || offset + bytes <= end_) return;
  const std::uint64_t from = std::max(offset, end_);
  if (length <= from || length - from < worth_it) return;
  // No more than there is already: who announces much and sends little must not fill the disk.
  const std::uint64_t size = std::min({step, length - from, std::max(bytes, offset)});
  helps_ = (end_ > 0 || on_ext4(fd)) &&
           ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(size)) == 0;
  end_ = from + size;
}

}  // namespace qrx
