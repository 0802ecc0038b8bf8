// Saves what comes from outside beneath one directory: hostile names, races and crashes leave nothing outside it,
// nothing clobbered and no half file under a final name.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "receive/name_reservations.h"
#include "receive/open_directories.h"
#include "receive/partial_file.h"
#include "receive/twin_names.h"
#include "wire/id.h"

namespace qrx::receive {

class GroupSync;

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
  std::set<std::string> parts() const { return names_.parts(); }  // that this run has left, relative to the output
  // Those of an earlier run with this output, when no run will go on with them.
  static void remove_parts(const std::string& output, const std::set<std::string>& parts);

  // True when `output` names one file: a delivery of several is refused, unless make_directory() comes before it.
  bool one_file() const { return !file_name_.empty(); }
  // Several files are to go where one was to: while nothing has that name it becomes a directory. No PartialFile may be
  // in use, and nobody else.
  Result<void> make_directory();
  std::string file_name() const { return shown_ + file_name_; }  // then

  // Opens or makes the partial of a file; directories on the way are made, and never are links. Names become safe
  // (local_names.h); two files of one delivery whose names become the same are both kept, whatever on_conflict says.
  // Kind::exists with OnConflict::refuse when something is there, Kind::locked when another process saves this file.
  Result<PartialFile> begin(std::string_view wire_name, const Id& file, const Id& delivery);

  // How much of a file an earlier run has left here, if there is a partial of it.
  std::optional<std::uint64_t> held(std::string_view wire_name, const Id& file) const;
  // Kind::no_room when so many bytes more do not fit.
  Result<void> check_room(std::uint64_t bytes, const std::string& doing) const;

  // What was begun under this name, if anything was, is not needed. Kind::locked as begin() has it.
  Result<void> discard_partial(std::string_view wire_name, const Id& file, const Id& delivery);

  // It is to be saved as this instead: as if begin() had been called with it. The bytes stay.
  Result<void> rename(PartialFile& partial, std::string_view wire_name, const Id& file, const Id& delivery);

  // The names of all files published since the last call are durable; the delivery's names are no longer held for it.
  // Many directories are synced by `together`, where that is sure.
  Result<void> sync_names(const Id& delivery, GroupSync* together = nullptr);

  // The path of a file that an earlier run published as `name` (PartialFile::name(), perhaps with a number), when it is
  // there with these very bytes.
  std::optional<std::string> find_saved(const std::string& name, std::uint64_t size, const Xxh128Sum& sum) const;

  std::optional<Sha256Sum> sha256_of(const std::string& path) const;  // of a path as find_saved() returned it

  // The output is a pipe, a socket or a device (/dev/null, a named pipe): to be opened for writing and treated as a
  // stream.
  static bool is_stream(const std::string& output);

 private:
  Saver() = default;
  struct Place {
    SharedDirectory directory;
    std::string directories;  // relative to the output directory, as they really are; with a slash at the end, or empty
    std::string leaf;
  };
  std::string part_of(std::string_view wire_name, const Id& file) const;
  std::string name_for(std::string_view wire_name) const;  // relative, before it may get a number
  UniqueFd open_saved(const std::string& relative) const;
  Result<void> descend(UniqueFd& directory, std::string& directories, const std::string& part) const;
  Result<Place> enter(const std::string& local_name) const;
  Result<void> open_part(PartialFile& partial, Place& place, const Id& file) const;

  UniqueFd root_;
  std::string shown_;  // the output directory as the user sees it: "" for the current one, else with a slash at the end
  std::string file_name_;  // one file's name, or empty
  OnConflict on_conflict_ = OnConflict::rename;
  NameReservations names_;
  TwinNames twins_;
  mutable OpenDirectories open_;
  bool lasting_ = true;
};

}  // namespace qrx::receive
