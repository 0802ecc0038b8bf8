// What an archive of a space's files will look like: names that are safe and unique everywhere, and its exact length.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "space/model.h"

namespace qrx::serve {

// A name for an archive: nothing that a system of any kind takes for something else (devices, streams, hidden files,
// options, control and bidi characters). Pure.
std::string archive_name(std::string_view name);

// Immutable.
class ZipPlan {
 public:
  // `files` are indexes of state->files.
  ZipPlan(std::shared_ptr<const space::SpaceState> state, std::vector<std::uint32_t> files);

  const std::shared_ptr<const space::SpaceState>& state() const { return state_; }
  std::size_t entries() const { return files_.size(); }
  const space::FileRow& file(std::size_t entry) const { return state_->files[files_[entry]]; }
  const std::string& name(std::size_t entry) const { return names_[entry]; }
  WallTime modified(std::size_t entry) const { return modified_[entry]; }
  const std::vector<std::uint32_t>& files() const { return files_; }
  std::uint64_t length() const { return length_; }  // of the whole archive

 private:
  void name_entries();
  void measure();

  const std::shared_ptr<const space::SpaceState> state_;
  const std::vector<std::uint32_t> files_;
  std::vector<std::string> names_;
  std::vector<WallTime> modified_;
  std::uint64_t length_ = 0;
};

// Plans that are in use, so that many downloads of one space share one. Thread-safe.
class ZipPlans {
 public:
  std::shared_ptr<const ZipPlan> plan(std::shared_ptr<const space::SpaceState> state, std::vector<std::uint32_t> files);

 private:
  std::mutex mutex_;
  std::unordered_map<Guid, std::weak_ptr<const ZipPlan>, IdHash> plans_;
};

}  // namespace qrx::serve
