#include "receive/name_reservations.h"

#include "receive/beneath.h"
#include "receive/local_names.h"

namespace qrx::receive {

Result<std::string> NameReservations::reserve(const std::string& local_name, const Id& file, const Id& delivery) {
  const std::string directories = directories_of(local_name);
  const std::string leaf = local_name.substr(directories.size());
  const std::lock_guard lock(mutex_);
  for (unsigned number = 0; number < most_numbers; ++number) {
    std::string name = directories + numbered_name(leaf, number);
    const auto [it, added] = taken_.try_emplace(name, Owner{file, delivery});
    // Held by an earlier delivery, which is over: it is free again, and what is on the disk decides
    // (PartialFile::publish).
    if (!added && it->second.delivery != delivery) it->second = Owner{file, delivery};
    if (it->second.file == file) return name;
  }
  return fail(Kind::exists, "too many files of one delivery are named " + local_name);
}

void NameReservations::release(const std::string& reserved, const Id& file) {
  const std::lock_guard lock(mutex_);
  // Not when another file of the delivery took it meanwhile.
  const auto taken = taken_.find(reserved);
  if (taken != taken_.end() && taken->second.file == file) taken_.erase(taken);
}

void NameReservations::add_part(const std::string& path) {
  const std::lock_guard lock(mutex_);
  parts_.insert(path);
}

void NameReservations::remove_part(const std::string& path) {
  const std::lock_guard lock(mutex_);
  parts_.erase(path);
}

std::set<std::string> NameReservations::parts() const {
  const std::lock_guard lock(mutex_);
  return parts_;
}

std::set<std::string> NameReservations::take_parts() {
  std::set<std::string> parts;
  const std::lock_guard lock(mutex_);
  parts.swap(parts_);
  return parts;
}

void NameReservations::published(const std::string& directories, const std::string& part) {
  const std::lock_guard lock(mutex_);
  unsynced_.insert(directories);
  parts_.erase(directories + part);
}

std::set<std::string> NameReservations::take_unsynced(const Id& delivery) {
  std::set<std::string> directories;
  const std::lock_guard lock(mutex_);
  directories.swap(unsynced_);
  std::erase_if(taken_, [&delivery](const auto& taken) { return taken.second.delivery == delivery; });
  return directories;
}

}  // namespace qrx::receive
