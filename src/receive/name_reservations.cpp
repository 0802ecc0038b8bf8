#include "receive/name_reservations.h"

#include "receive/beneath.h"
#include "receive/local_names.h"

namespace qrx::receive {
namespace {

constexpr unsigned few = 8;  // numbers that are tried one after the other

}  // namespace

// It is this owner's now, or was before.
bool NameReservations::take(const std::string& name, const Owner& owner) {
  const auto [it, added] = taken_.try_emplace(name, owner);
  // Held by an earlier delivery, which is over: it is free again, and what is on the disk decides
  // (PartialFile::publish).
  if (!added && it->second.delivery != owner.delivery) it->second = owner;
  return it->second.file == owner.file;
}

Result<std::string> NameReservations::reserve(const std::string& local_name, const Id& file, const Id& delivery) {
  const std::string directories = directories_of(local_name);
  const std::string leaf = local_name.substr(directories.size());
  const Owner owner{file, delivery};
  const std::lock_guard lock(mutex_);
  for (unsigned number = 0; number < few; ++number) {
    std::string name = directories + numbered_name(leaf, number);
    if (take(name, owner)) return name;
  }
  Crowd& crowd = crowds_[local_name];
  if (crowd.delivery != delivery) crowd = {delivery, few, {}};
  if (const auto known = crowd.numbers.find(file); known != crowd.numbers.end())
    if (std::string name = directories + numbered_name(leaf, known->second); take(name, owner)) return name;
  while (crowd.next < most_numbers) {
    const unsigned number = crowd.next++;
    std::string name = directories + numbered_name(leaf, number);
    if (!take(name, owner)) continue;
    crowd.numbers[file] = number;
    return name;
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
  std::erase_if(crowds_, [&delivery](const auto& crowd) { return crowd.second.delivery == delivery; });
  return directories;
}

}  // namespace qrx::receive
