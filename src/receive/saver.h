// Saves what comes from outside beneath one directory: hostile names, races and crashes leave nothing outside it,
// nothing clobbered and no half file under a final name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/blocks_ahead.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/id.h"

namespace qrx::receive {

enum class OnConflict : std::uint8_t { rename, refuse, overwrite };

class Saver;

// A file on its way: `.NAME.<first 8 of the file's id>.qrx-part` beside its target. One thread at a time.
// Destroying it keeps the partial, so that a later run goes on. Must not outlive its Saver.
class PartialFile {
 public:
  PartialFile(PartialFile&&) noexcept = default;
  PartialFile& operator=(PartialFile&&) noexcept = default;
  ~PartialFile() = default;

  // Bytes that are there: of an earlier run, and what was written since. The caller hashes the earlier ones by read_at.
  std::uint64_t size() const { return size_; }
  // Where it will be saved unless something else takes the name first, relative to the output directory.
  const std::string& name() const { return name_; }

  void expect_length(std::uint64_t length) { length_ = length; }  // a hint: how long it will be in the end
  // Appends. Kind::no_room when the disk is full; the partial stays. Write-back is started early, so that publish()
  // has little left to wait for.
  Result<void> write(ByteView bytes);
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) const;  // 0 at the end
  int descriptor() const { return file_.get(); }  // for reading only; its offset is not to be moved
  Result<void> truncate(std::uint64_t size);
  // The bytes are on the disk, then the file has its final name; returns its path as the user should see it.
  // Kind::exists with OnConflict::refuse when something is there. Saver::settle() makes the name durable too.
  Result<std::string> publish();
  void discard();  // removes the partial
  // It is to be saved as this instead: as if begin() had been called with it. The bytes stay.
  Result<void> rename_to(std::string_view wire_name, const Id& file, const Id& delivery);

 private:
  friend class Saver;
  PartialFile() = default;
  Saver* saver_ = nullptr;
  UniqueFd directory_;  // that holds the partial and the target
  UniqueFd file_;
  std::string part_;     // name of the partial in directory_
  std::string leaf_;     // name of the target in directory_
  std::string name_;     // relative to the output directory
  std::string claimed_;  // the same, before a directory on the way got a number
  std::uint64_t size_ = 0;
  std::uint64_t flushed_ = 0;  // write-back was started up to here
  std::uint64_t length_ = 0;   // 0: not known
  BlocksAhead ahead_;
  OnConflict on_conflict_ = OnConflict::rename;
};

// Where received files go. Thread-safe.
class Saver {
 public:
  // `output` like cp: an existing directory (or one with a slash at the end, which is made): files keep their names in
  // it; anything else: the name for the one file of the one delivery. Kind::exists at once when that name is taken and
  // on_conflict is refuse.
  // With `several` a name where nothing is means a directory, too, which is made. A file is made and removed there:
  // what cannot be written is an error now.
  static Result<std::unique_ptr<Saver>> open(const std::string& output, OnConflict on_conflict, bool several = false);

  // No later run goes on with the partials of this one. It shows in their names: remove_stale() removes those that
  // killed runs left in the output directory itself. discard_parts() removes all that this run has left; no PartialFile
  // may be in use.
  void set_passing() { lasting_ = false; }
  void discard_parts();
  void remove_stale();

  // True when `output` names one file: a delivery of several is refused.
  bool one_file() const { return !file_name_.empty(); }
  std::string file_name() const { return shown_ + file_name_; }  // then

  // Opens or makes the partial of a file; directories on the way are made, and never are links. Names become safe
  // (names.h); two files of one delivery whose names become the same are both kept, whatever on_conflict says.
  // Kind::exists with OnConflict::refuse when something is there, Kind::locked when another process saves this file.
  Result<PartialFile> begin(std::string_view wire_name, const Id& file, const Id& delivery);

  // The names of all files published since the last call are durable; the delivery's names are no longer held for it.
  Result<void> settle(const Id& delivery);

  // The path of a file that an earlier run published as `name` (PartialFile::name(), perhaps with a number), when it is
  // there with these very bytes.
  std::optional<std::string> find_saved(const std::string& name, std::uint64_t size, const Xxh128Sum& sum) const;

  std::optional<Sha256Sum> sha256_of(const std::string& path) const;  // of a path as find_saved() returned it

  // The output is a pipe, a socket or a device (/dev/null, a named pipe): to be opened for writing and treated as a
  // stream.
  static bool is_stream(const std::string& output);

 private:
  friend class PartialFile;
  Saver() = default;
  struct Place {
    UniqueFd directory;
    std::string directories;  // relative to the output directory, as they really are; with a slash at the end, or empty
    std::string leaf;
  };
  UniqueFd open_saved(const std::string& relative) const;
  Result<Place> enter(const std::string& local_name) const;
  Result<void> open_part(PartialFile& partial, Place& place, const Id& file) const;
  bool is_twin(const std::string& directories, const std::string& leaf, int directory);
  Result<std::string> claim(const std::string& local_name, const Id& file, const Id& delivery);

  UniqueFd root_;
  std::string shown_;  // the output directory as the user sees it: "" for the current one, else with a slash at the end
  std::string file_name_;  // one file's name, or empty
  OnConflict on_conflict_ = OnConflict::rename;
  struct Owner {
    Id file, delivery;
  };
  std::mutex mutex_;
  std::map<std::string, Owner> taken_;  // names of this run, so that files of one delivery do not replace each other
  std::set<std::string> unsettled_;     // directories that got names since settle()
  std::set<std::string> parts_;         // partials that are there, relative to the output directory
  bool lasting_ = true;
};

}  // namespace qrx::receive
