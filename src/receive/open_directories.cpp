#include "receive/open_directories.h"

#include <sys/stat.h>

#include <utility>

namespace qrx::receive {
namespace {

constexpr std::size_t most_names = 64;  // then those that nobody holds are forgotten

}  // namespace

SharedDirectory OpenDirectories::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(name);
  // Removed since (st_nlink 0): what is made in such a directory is nowhere.
  SharedDirectory directory = found == open_.end() ? nullptr : found->second.lock();
  struct stat status {};
  if (directory && (::fstat(directory->get(), &status) != 0 || status.st_nlink == 0)) return nullptr;
  return directory;
}

SharedDirectory OpenDirectories::keep(const std::string& name, UniqueFd directory) {
  auto shared = std::make_shared<const UniqueFd>(std::move(directory));
  const std::lock_guard lock(mutex_);
  if (open_.size() >= most_names) std::erase_if(open_, [](const auto& one) { return one.second.expired(); });
  open_[name] = shared;
  return shared;
}

}  // namespace qrx::receive
