// A file on its way: `.NAME.<first 8 of the file's id>.qrx-part` beside its target, until it is whole.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/preallocator.h"
#include "base/result.h"
#include "base/running_sums.h"
#include "base/unique_fd.h"
#include "receive/name_reservations.h"
#include "receive/open_directories.h"
#include "receive/twin_names.h"
#include "wire/id.h"
#include "wire/properties.h"

namespace qrx::receive {

enum class OnConflict : std::uint8_t { rename, refuse, overwrite };

// Saver::begin() makes one. One thread at a time. Destroying it keeps the partial, so that a later run goes on. Must
// not outlive its Saver.
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
  Result<RunningSums> sums(bool sha256) const;                                          // of all that is there
  int descriptor() const { return file_.get(); }  // for reading only; its offset is not to be moved
  Result<void> truncate(std::uint64_t size);
  // Of the file system that holds it, as fstat(2) has it.
  dev_t device() const { return device_; }
  void start_write_back();  // of all that was written; a hint, which does not wait
  // Its file system was synced as a whole: publish() need not sync it once more, unless the kernel says that some of
  // its bytes could not be written.
  void confirm_durable();
  Result<void> make_durable();
  // The bytes are on the disk, then the file has its final name; returns its path as the user should see it.
  // Kind::exists with OnConflict::refuse when something is there. Saver::sync_names() makes the name durable too.
  // It gets the properties as far as the file system has them; that it has not is no error.
  Result<std::string> publish(const wire::FileProperties& properties = {});
  void discard();  // removes the partial

 private:
  friend class Saver;
  PartialFile() = default;
  std::string directories() const { return name_.substr(0, name_.size() - leaf_.size()); }
  void set_properties(const wire::FileProperties& properties, mode_t mode);
  Result<std::string> take_name();
  Result<std::string> take_name(const std::string& leaf, int& error);
  bool may_replace(const std::string& leaf) const;
  // It takes the place of `target`, an empty partial, with all its bytes.
  Result<void> move_to(PartialFile target);

  NameReservations* names_ = nullptr;
  TwinNames* twins_ = nullptr;
  std::string shown_;  // the output directory, as Saver has it
  Id id_, delivery_;   // of the file
  // That holds the partial and the target; other files of this run have the same one.
  SharedDirectory directory_;
  UniqueFd file_;
  std::string part_;      // name of the partial in directory_
  std::string leaf_;      // name of the target in directory_
  std::string name_;      // relative to the output directory
  std::string reserved_;  // the same, before a directory on the way got a number
  std::uint64_t size_ = 0;
  dev_t device_ = 0;
  ino_t inode_ = 0;            // of file_; while that is open no other file has it
  bool durable_ = false;       // as it is now
  std::uint64_t flushed_ = 0;  // write-back was started up to here
  std::uint64_t length_ = 0;   // 0: not known
  Preallocator preallocator_;
  OnConflict on_conflict_ = OnConflict::rename;
};

}  // namespace qrx::receive
