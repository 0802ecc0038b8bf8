// Files and directories made safely: never through a symbolic link, 0600 and 0700, synced. Private to src/store.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::store {

// Makes a directory (0700), its parents too, unless it is there.
Result<void> make_directories(const std::string& path);
// Makes an empty file (0600) unless it is there; an error when something else has this name.
Result<void> make_file(const std::string& path);
// Makes `name` in the directory `parent` (0700) unless it is there, and opens it.
Result<UniqueFd> open_directory_at(int parent, const std::string& name);
Result<UniqueFd> open_directory(const std::string& path);
Result<void> sync_directory(int fd, const std::string& name);
Result<void> sync_parent(const std::string& path);

}  // namespace qrx::store
