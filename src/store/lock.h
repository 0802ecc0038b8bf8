// The data directory of a server, and the lock that says that it has one user.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::store {

// Held as long as it lives; the kernel releases it when the process ends, however it ends.
class DataLock {
 public:
  // Makes the directory (0700) if there is none and locks DIR/lock. Kind::locked when another process holds it.
  static Result<DataLock> take(const std::string& directory);

 private:
  explicit DataLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace qrx::store
