// Saves what comes from outside beneath one directory: hostile names, races and crashes leave nothing outside it,
// nothing clobbered and no half file under a final name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/id.h"

namespace qrx::transfer {

// A name from the wire as a relative path that is safe and unsurprising here: never empty, absolute, hidden, option-like
// or upwards; valid UTF-8 without control, bidi or invisible characters; each part at most 255 bytes, 64 parts, 3,500
// bytes in all. Characters and parts that may not stay become '_'; ordinary names stay as they are.
std::string safe_local_name(std::string_view wire_name);

enum class OnConflict : std::uint8_t { rename, refuse, overwrite };

// A file on its way: `.NAME.<first 8 of the file's id>.qrx-part` beside its target. One thread at a time.
// Destroying it keeps the partial, so that a later run goes on.
class PartialFile {
 public:
  PartialFile(PartialFile&&) noexcept = default;
  PartialFile& operator=(PartialFile&&) noexcept = default;
  ~PartialFile() = default;

  // Bytes that are there: of an earlier run, and what was written since. The caller hashes the earlier ones by read_at.
  std::uint64_t size() const { return size_; }
  // Where it will be saved unless something else takes the name first, relative to the output directory.
  const std::string& name() const { return name_; }

  // Appends. Kind::no_room when the disk is full; the partial stays.
  Result<void> write(ByteView bytes);
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) const;  // 0 at the end
  Result<void> truncate(std::uint64_t size);
  // The bytes are on the disk, then the file has its final name; returns its path as the user should see it.
  // Kind::exists with OnConflict::refuse when something is there.
  Result<std::string> publish();
  void discard();  // removes the partial

 private:
  friend class Saver;
  PartialFile() = default;
  UniqueFd directory_;   // that holds the partial and the target
  UniqueFd file_;
  std::string part_;     // name of the partial in directory_
  std::string leaf_;     // name of the target in directory_
  std::string name_;     // relative to the output directory
  std::string shown_;    // the directory's path as the user sees it, with a slash at its end, or empty
  std::uint64_t size_ = 0;
  std::uint64_t flushed_ = 0;  // write-back was started up to here
  OnConflict on_conflict_ = OnConflict::rename;
};

// Where received files go. Thread-safe.
class Saver {
 public:
  // `output` like cp: an existing directory (or one with a slash at the end, which is made): files keep their names in
  // it; anything else: the name for the one file of the one delivery. Kind::exists at once when that name is taken and
  // on_conflict is refuse.
  static Result<std::unique_ptr<Saver>> open(const std::string& output, OnConflict on_conflict);

  // True when `output` names one file: a delivery of several is refused.
  bool one_file() const { return !file_name_.empty(); }

  // Opens or makes the partial of a file; directories on the way are made. Two files whose names become the same
  // here are both kept. Kind::integrity when a directory on the way is a symbolic link or not a directory.
  Result<PartialFile> begin(std::string_view wire_name, const Id& file);
  // Removes the partial of an earlier run, if it is there.
  void forget(std::string_view wire_name, const Id& file);

 private:
  Saver() = default;
  Result<UniqueFd> enter(const std::string& directories, bool make) const;
  std::string local_name(std::string_view wire_name) const;
  UniqueFd root_;
  std::string shown_;      // "" for the current directory, else with a slash at the end
  std::string file_name_;  // one file's name, or empty
  OnConflict on_conflict_ = OnConflict::rename;
};

}  // namespace qrx::transfer
