// The directories that files on their way hold open: many small files go to few directories.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/unique_fd.h"

namespace qrx::receive {

using SharedDirectory = std::shared_ptr<const UniqueFd>;

// By their names, relative to the output directory. A directory is open as long as a file holds it, and no longer.
// Thread-safe: one mutex, and nothing else is locked under it.
class OpenDirectories {
 public:
  SharedDirectory find(const std::string& name);  // null: nobody holds it, or it was removed since
  SharedDirectory keep(const std::string& name, UniqueFd directory);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const UniqueFd>> open_;
};

}  // namespace qrx::receive
