#include "receive/twin_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "receive/beneath.h"

namespace qrx::receive {
namespace {

std::set<std::string> names_in(int directory) {
  std::set<std::string> names;
  const int fd = open_at(directory, ".", O_RDONLY | O_DIRECTORY);
  DIR* listing = fd < 0 ? nullptr : ::fdopendir(fd);
  while (const dirent* entry = listing != nullptr ? ::readdir(listing) : nullptr) names.emplace(entry->d_name);
  if (listing != nullptr) ::closedir(listing);
  return names;
}

// Asked by a name that nothing else has, that of the partial, with its letters the other way round.
bool has_no_case(const Newcomer& newcomer) {
  std::string swapped = to_upper_ascii(newcomer.part);
  if (swapped == newcomer.part) swapped = to_lower_ascii(newcomer.part);
  struct stat status {};
  return swapped != newcomer.part && ::fstatat(newcomer.directory, swapped.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

void TwinNames::turn_to(const Id& delivery) {
  if (delivery_ != delivery) clear();
  delivery_ = delivery;
}

// By the names alone. Inodes, times and bytes say little of the two spellings of one file behind FUSE, where each has
// what the kernel remembers of it.
bool TwinNames::is_twin(const Newcomer& newcomer) {
  const std::string leaf = newcomer.path.substr(directories_of(newcomer.path).size());
  struct stat there {};
  if (::fstatat(newcomer.directory, leaf.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (paths_.contains(newcomer.path)) return true;
  // Also "Dir/a.txt" and "dir/a.txt".
  if (lower_.contains(to_lower_ascii(newcomer.path)) && has_no_case(newcomer)) return true;
  return !is_listed(newcomer);
}

// Of many files that replace others their directory is read once. What came since is not replaced.
bool TwinNames::is_listed(const Newcomer& newcomer) {
  const std::string directories = directories_of(newcomer.path);
  auto listed = listed_.find(directories);
  if (listed == listed_.end()) listed = listed_.emplace(directories, names_in(newcomer.directory)).first;
  return listed->second.contains(newcomer.path.substr(directories.size()));
}

void TwinNames::add(const std::string& path) {
  paths_.insert(path);
  lower_.insert(to_lower_ascii(path));
}

void TwinNames::clear() {
  paths_.clear();
  lower_.clear();
  listed_.clear();
}

}  // namespace qrx::receive
