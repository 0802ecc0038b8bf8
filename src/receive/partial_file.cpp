#include "receive/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "base/private_files.h"
#include "receive/beneath.h"
#include "receive/local_names.h"

namespace qrx::receive {
namespace {

constexpr std::uint64_t flush_step = 8U << 20;  // write-back is started every so many bytes

}  // namespace

Result<void> PartialFile::write(ByteView bytes) {
  durable_ = false;
  if (length_ > 0) preallocator_.before_write(file_.get(), size_, bytes.size(), length_);
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("cannot write " + shown_ + name_);
    size_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  // Without it gigabytes of dirty pages would be left for publish(), whose sync would then take minutes.
  if (size_ - flushed_ >= flush_step) {
    // A hint: where the file system cannot, publish() has more to wait for.
    static_cast<void>(::sync_file_range(file_.get(), static_cast<off_t>(flushed_), static_cast<off_t>(size_ - flushed_),
                                        SYNC_FILE_RANGE_WRITE));
    flushed_ = size_;
  }
  return {};
}

Result<std::size_t> PartialFile::read_at(std::uint64_t offset, std::span<std::byte> space) const {
  for (;;) {
    const ssize_t got = ::pread(file_.get(), space.data(), space.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return fail_errno("cannot read " + shown_ + name_ + " again");
  }
}

Result<RunningSums> PartialFile::sums(bool sha256) const {
  RunningSums running(sha256);
  std::vector<std::byte> buffer(256U << 10);
  for (std::uint64_t at = 0; at < size_;) {
    const auto got = read_at(at, buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::integrity, name_ + " was changed by someone while it was being saved");
    running.update({buffer.data(), *got});
    at += *got;
  }
  return running;
}

Result<void> PartialFile::truncate(std::uint64_t size) {
  durable_ = false;
  if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) return fail_errno("cannot shorten " + shown_ + name_);
  size_ = size;
  flushed_ = std::min(flushed_, size);
  // Blocks beyond the end are gone with ftruncate(2).
  preallocator_ = {};
  return {};
}

void PartialFile::start_write_back() {
  static_cast<void>(::sync_file_range(file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE));
}

void PartialFile::confirm_durable() {
  // Also reports an error of an earlier write-back to this file, which syncfs(2) of old kernels keeps to itself.
  constexpr unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  durable_ = ::sync_file_range(file_.get(), 0, 0, all) == 0;
}

Result<void> PartialFile::make_durable() {
  // fdatasync(2): the size is part of what it makes durable, times are not.
  if (!durable_ && ::fdatasync(file_.get()) != 0 && !cannot_sync(errno))
    return fail_errno("cannot make " + shown_ + name_ + " durable");
  durable_ = true;
  return {};
}

// The bytes first: a name must never stand for bytes that a loss of power takes away.
Result<std::string> PartialFile::publish(const wire::FileProperties& properties) {
  const std::string wanted = shown_ + name_;
  if (auto durable = make_durable(); !durable) return tl::unexpected(durable.error());
  struct stat named {};
  // Another file under the partial's name would get the final name, with bytes that nobody verified.
  if (::fstatat(directory_->get(), part_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != inode_ ||
      named.st_dev != device_)
    return fail(Kind::integrity, "cannot save " + wanted + ": its partial file was replaced or removed meanwhile");
  set_properties(properties, named.st_mode);
  const auto leaf = take_name();
  if (!leaf) return leaf;
  names_->published(directories(), part_);
  return shown_ + directories() + *leaf;
}

// After the last write, which would set another time. What may not be written here, or is not known to this file
// system, is left as it is.
void PartialFile::set_properties(const wire::FileProperties& properties, mode_t mode) {
  // Whoever may read it, as the umask had it, may run it.
  if (properties.executable) static_cast<void>(::fchmod(file_.get(), (mode & 07777) | (mode & 0444) >> 2));
  if (!properties.modified) return;
  const auto seconds = std::chrono::floor<Seconds>(properties.modified->time_since_epoch()).count();
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(seconds), 0}};
  static_cast<void>(::futimens(file_.get(), times));
}

// Not what came with the same delivery: "a.txt" and "A.txt", where they are one. The second gets a number.
bool PartialFile::may_replace(const std::string& leaf) const {
  return on_conflict_ == OnConflict::overwrite && !twins_->is_twin({directory_->get(), part_, directories() + leaf});
}

// One name, perhaps with a number. `error`: why not, as errno has it.
Result<std::string> PartialFile::take_name(const std::string& leaf, int& error) {
  const std::string wanted = shown_ + directories() + leaf;
  const auto failed = [&]() -> tl::unexpected<Error> {
    error = errno;
    return fail_errno("cannot save " + wanted);
  };
  if (may_replace(leaf)) {
    if (::renameat(directory_->get(), part_.c_str(), directory_->get(), leaf.c_str()) == 0) return leaf;
    if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST) return failed();
    error = EEXIST;
    return fail(Kind::exists, "cannot overwrite " + wanted + ": it is a directory");
  }
  // The name is taken by the rename itself: of two runs one gets it, the other the next number.
  for (unsigned number = 0;; ++number) {
    std::string numbered = numbered_name(leaf, number);
    if (rename_no_replace(directory_->get(), part_.c_str(), numbered.c_str()) == 0) return numbered;
    if (errno != EEXIST) return failed();
    if (on_conflict_ != OnConflict::refuse && number < most_numbers) continue;
    error = EEXIST;
    return fail(Kind::exists, wanted + " already exists; not saved");
  }
}

// The partial's name has only the front of this one, which may be too long all the same.
Result<std::string> PartialFile::take_name() {
  // Where nothing is replaced the file system itself tells twins apart, and names are taken side by side.
  const bool replaces = on_conflict_ == OnConflict::overwrite;
  const auto lock = replaces ? twins_->lock() : std::unique_lock<std::mutex>();
  if (replaces) twins_->turn_to(delivery_);
  Result<std::string> taken = fail(Kind::other, "no name was tried");
  const auto made = with_a_name(leaf_, [&](const std::string& leaf) {
    int error = 0;
    auto done = take_name(leaf, error);
    // The first reason is that of the name which is wanted.
    if (done || leaf == leaf_) taken = std::move(done);
    errno = error;
    return error == 0;
  });
  if (!made) return taken;
  name_ = directories() + *made;
  leaf_ = *made;
  if (replaces) twins_->add(directories() + *taken);
  return taken;
}

Result<void> PartialFile::move_to(PartialFile target) {
  // One step, over the empty partial that holds the name.
  if (::renameat(directory_->get(), part_.c_str(), target.directory_->get(), target.part_.c_str()) == 0) {
    target.file_ = std::move(file_);
    target.device_ = device_;
    target.inode_ = inode_;
    target.size_ = size_;
    target.flushed_ = flushed_;
    target.durable_ = durable_;
    *this = std::move(target);
    return {};
  }
  if (errno != EXDEV) return fail_errno("cannot save " + shown_ + target.name_);
  // Another file system is mounted there.
  if (auto emptied = target.truncate(0); !emptied) return emptied;
  std::vector<std::byte> buffer(256U << 10);
  while (target.size() < size_) {
    const auto got = read_at(target.size(), buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::integrity, name_ + " was changed by someone while it was being saved");
    if (auto written = target.write({buffer.data(), *got}); !written) return written;
  }
  // Copied in full by now.
  discard();
  *this = std::move(target);
  return {};
}

void PartialFile::discard() {
  static_cast<void>(::unlinkat(directory_->get(), part_.c_str(), 0));  // gone already is as good
  names_->remove_part(directories() + part_);
  names_->release(reserved_, id_);
  file_.reset();
}

}  // namespace qrx::receive
