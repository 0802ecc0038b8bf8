#include "store/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "store/paths.h"

namespace qrx::store {

Result<DataLock> DataLock::take(const std::string& directory) {
  if (auto made = make_directories(directory); !made) return tl::unexpected(made.error());
  const std::string path = directory + "/lock";
  if (auto made = make_file(path); !made) return tl::unexpected(made.error());
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open " + path);
  // flock, not fcntl: it belongs to the open file, so that no other close() of the process lets go of it. O_CLOEXEC
  // keeps children from holding it.
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return fail(Kind::locked, directory + " is in use by another qrx-serve");
    return fail_errno("cannot lock " + path);
  }
  return DataLock(std::move(fd));
}

}  // namespace qrx::store
