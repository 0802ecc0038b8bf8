// Small files that nobody else may read: keys, tokens, what goes on when a run ends early.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx {

// Mode 0700, with those above it. What is there already must be a directory, and keeps its mode.
Result<void> make_private_directories(const std::string& path);

// `path` has a directory in it. Mode 0600, on the disk when it returns. A file that is there is replaced as a whole, or
// stays as it is.
Result<void> replace_private_file(const std::string& path, std::string_view text);

// With what a run that was killed left of writing it, which may hold the same secret. Not there is as good.
Result<void> remove_private_file(const std::string& path);

// As open(2), never through a link; what it makes has mode 0600. Empty with errno.
UniqueFd open_private_file(const std::string& path, int flags);

// All of it, wherever the descriptor stands. Nothing when it cannot be read, or has more than `most` bytes.
std::optional<std::string> read_private_file(int fd, std::uint64_t most);

// The same of the file at `path`, which must be one, and no link.
std::optional<std::string> read_private_file(const std::string& path, std::uint64_t most);

// The lines of a file that others append to, from the byte `at` on, which moves behind the last whole one: what stands
// after that is not read yet. Lines longer than `longest` bytes are passed over.
Result<void> read_new_lines(int fd, std::uint64_t& at, std::size_t longest,
                            const std::function<void(std::string_view line)>& take);

// Lines for a file that is only ever appended to (O_APPEND): a newline stands before them, so that one that a crash cut
// short spoils no other. Whoever reads them passes over empty lines.
std::string appended(std::string_view lines);

// The paths of what is in a directory, as far as it can be read.
std::vector<std::string> entries_of(const std::string& directory);

// Whether this error of fsync(2) says that the file system cannot do it: then nothing more can be done.
bool cannot_sync(int error);

// New names in a directory are there after a loss of power, where its file system can do that.
void sync_directory(const std::string& path);

}  // namespace qrx
