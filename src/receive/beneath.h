// Files beneath one directory, whatever lies there: no call follows a link, leaves the directory or replaces what it
// must not; and what file systems other than ours cannot do is done in another way.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace qrx::receive {

// As openat(2), one part only, never through a link. -1 with errno.
int open_at(int directory, const char* name, int flags, mode_t mode = 0);

// The whole path, never through a link, never out of `root`. -1 with errno.
int open_beneath(int root, const std::string& path, int flags);
// The directory of this path, which ends with a slash; the empty one is `root` itself.
UniqueFd open_directory_beneath(int root, const std::string& path);

// "a/b/photo.jpg" -> "a/b/"; "photo.jpg" -> "".
std::string directories_of(const std::string& path);

// -1 with EEXIST when `to` is there, whatever it is.
int rename_no_replace(int directory, const char* from, const char* to);

// As `leaf`, or by a name that more file systems take (local_names.h): `make` gets one after the other, and sets errno.
// The name that was taken.
std::optional<std::string> with_a_name(const std::string& leaf, const std::function<bool(const std::string&)>& make);

// A file that only shows what this directory does to files of ours; it has no name when this returns, but for an
// instant on file systems that cannot do without. Empty, with errno, where nothing can be written.
UniqueFd make_probe(int directory);

// Made by us. Mounts may show any owner (CIFS, FAT with uid=, NFS with root_squash, sshfs, WSL): ours is whom they show
// for what we make.
bool is_ours(int directory, const struct stat& status);

// From where the descriptor stands to the end of the file. False when it cannot be read.
bool read_all(int fd, const std::function<void(ByteView)>& take);

}  // namespace qrx::receive
