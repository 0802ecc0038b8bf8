// The names that the files of one run take beneath the output directory, and what was made there for them.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "wire/id.h"

namespace qrx::receive {

inline constexpr unsigned most_numbers = 10'000;  // "photo (9999).jpg", then it is an error

// Paths are relative to the output directory; directories have a slash at their end, or are empty. Thread-safe: one
// mutex, of all members, and nothing else is locked under it.
class NameReservations {
 public:
  // The name under which this file may be saved, considering the other files of its delivery, whose names may have
  // become the same: perhaps with a number.
  Result<std::string> reserve(const std::string& local_name, const Id& file, const Id& delivery);
  // Its name is free for another file of the delivery: a sender may have begun it anew.
  void release(const std::string& reserved, const Id& file);

  void add_part(const std::string& path);  // a partial that is there
  void remove_part(const std::string& path);
  std::set<std::string> parts() const;
  std::set<std::string> take_parts();  // all of them

  void published(const std::string& directories, const std::string& part);  // it has its final name
  // Directories that got names since the last call; the names of this delivery are no longer held for it.
  std::set<std::string> take_unsynced(const Id& delivery);

 private:
  struct Owner {
    Id file, delivery;
  };
  // Files of one delivery that are to have one name, once there are more than a few: each of thousands is not to try
  // the numbers of all others.
  struct Crowd {
    Id delivery;
    unsigned next = 0;               // number; those before it were taken
    std::map<Id, unsigned> numbers;  // by file; perhaps released since
  };
  bool take(const std::string& name, const Owner& owner);  // with the mutex held

  mutable std::mutex mutex_;
  std::map<std::string, Owner> taken_;   // so that files of one delivery do not replace each other
  std::map<std::string, Crowd> crowds_;  // by the name without a number
  std::set<std::string> unsynced_, parts_;
};

}  // namespace qrx::receive
