#include "store/disk_reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.h"

namespace qrx::store {

void DiskReserve::make() {
  struct statvfs disk {};
  const std::string folder = std::filesystem::path(name_).parent_path().string();
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return;
  const std::uint64_t available = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  // Not worth having where it would take much of a small disk.
  if (bytes_ == 0 || available / 20 < bytes_) return;
  const UniqueFd fd(::open(name_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return;
  // Allocated, not sparse: the blocks must be there to be given up.
  there_ = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes_)) == 0;
  if (!there_) ::unlink(name_.c_str());
}

// Also one that a former process left, whether this one knows of it or not.
void DiskReserve::give_up() {
  ::unlink(name_.c_str());
  there_ = false;
}

}  // namespace qrx::store
