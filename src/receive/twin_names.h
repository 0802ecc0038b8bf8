// Files of one delivery that would replace each other under OnConflict::overwrite, because the file system takes their
// names for one: "A.txt" and "a.txt" on FAT, exFAT and NTFS, "é" written in two ways on HFS+, "a:b" and "a?b" where
// both have to be called "a_b".
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "wire/id.h"

namespace qrx::receive {

// A file as its partial has it, just before it gets its name.
struct Newcomer {
  int directory;     // where it goes
  std::string part;  // its partial there
  std::string path;  // what it is to be called, relative to the output directory
};

// The names that the files of the delivery at hand have got. One mutex, which is held from lock() on: of two threads
// with such names one sees the other's file. Nothing else is locked under it.
class TwinNames {
 public:
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  // REQUIRES of the rest: lock() is held. What is asked and added from now on is of this delivery; what others brought
  // may be replaced.
  void turn_to(const Id& delivery);
  // Whether what stands where the newcomer is to go is a file of this delivery, or may be one: the file system finds it
  // under this name, but lists it under another.
  bool is_twin(const Newcomer& newcomer);
  void add(const std::string& path);
  void clear();

 private:
  bool is_listed(const Newcomer& newcomer);

  std::mutex mutex_;
  std::optional<Id> delivery_;
  std::set<std::string> paths_, lower_;
  std::map<std::string, std::set<std::string>> listed_;  // what was in a directory when the first name was looked for
};

}  // namespace qrx::receive
