#include "store/file_blobs.h"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <mutex>
#include <unordered_set>

#include "base/preallocator.h"
#include "store/deferred_close.h"
#include "store/paths.h"

namespace qrx::store {
namespace {

using space::BlobKey;
using space::BlobUse;
using space::Opened;
using space::Staged;

constexpr off_t large = 8 << 20;  // takes some milliseconds to free

// What may be over soon (no descriptors, no memory, a disk in trouble) is Kind::unavailable: worth asking again.
tl::unexpected<Error> fail_blob(const std::string& doing, int error = errno) {
  auto failed = fail_errno(doing, error);
  if (error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM) failed.value().kind = Kind::unavailable;
  return failed;
}

// One of 256 directories, so that none grows large: by the first (random) byte of the key.
std::string shard_of(const BlobKey& blob) {
  return fmt::format("{:02x}", static_cast<unsigned char>(blob.bytes[0]));
}

Result<std::uint64_t> size_of_file(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_blob("cannot look at a blob");
  if (!S_ISREG(status.st_mode)) return fail(Kind::other, "cannot use a blob: not a file");
  return static_cast<std::uint64_t>(status.st_size);
}

// O_NONBLOCK: a planted FIFO must not hang us; it means nothing for files.
UniqueFd open_file_at(int directory, const std::string& name, int flags) {
  for (;;) {
    UniqueFd fd(::openat(directory, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (fd || errno != EINTR) return fd;
  }
}

// The directory of staged blobs, which must be synced once after a blob was made there.
class Staging {
 public:
  UniqueFd fd;

  void added(const BlobKey& blob) {
    const std::lock_guard lock(mutex_);
    fresh_.insert(blob);
  }
  void gone(const BlobKey& blob) {
    const std::lock_guard lock(mutex_);
    fresh_.erase(blob);
    doubtful_.erase(blob);
  }
  // A failed fsync is final: the next one would say that all is well, of names that may be lost.
  Result<void> sync_name(const BlobKey& blob) {
    {
      const std::lock_guard lock(mutex_);
      if (doubtful_.contains(blob)) return fail(Kind::other, "cannot make a blob durable: its name failed before");
      if (!fresh_.contains(blob)) return {};
    }
    // Without the lock: blobs that are made meanwhile stay in `fresh_`, and are synced once more.
    auto synced = sync_directory(fd.get(), "staging");
    const std::lock_guard lock(mutex_);
    if (synced && !doubtful_.contains(blob)) fresh_.erase(blob);
    // All that were made since the last good sync: nobody knows which names are lost.
    if (!synced) doubtful_.merge(fresh_);
    return synced;
  }

 private:
  std::mutex mutex_;
  std::unordered_set<BlobKey, IdHash> fresh_;     // made since the start, and not synced yet
  std::unordered_set<BlobKey, IdHash> doubtful_;  // fresh when a sync failed
};

class StagedFile final : public Staged {
 public:
  StagedFile(const BlobKey& blob, UniqueFd fd, std::shared_ptr<Staging> staging, bool relaxed)
      : blob_(blob), fd_(std::move(fd)), staging_(std::move(staging)), relaxed_(relaxed) {}

  void expect_length(std::uint64_t length) override { length_ = std::min(length, max_offset); }

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    if (offset > max_offset || bytes.size() > max_offset - offset)
      return fail(Kind::too_large, "cannot write a blob: too large");
    if (length_ > 0) preallocator_.before_write(fd_.get(), offset, bytes.size(), length_);
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail_blob("cannot write a blob", errno == EFBIG ? ENOSPC : errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return {};
  }

  Result<void> start_write_back(std::uint64_t offset, std::uint64_t size) override {
    // Only a hint: file systems without it say so, and errors come back at make_durable.
    if (!relaxed_)
      // Starts the writing and waits for none of it: the fdatasync at the end finds little left to do.
      ::sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
    return {};
  }

  Result<space::Extents> make_durable() override {
    if (auto durable = make_bytes_durable(); !durable || relaxed_) return durable;
    if (auto named = staging_->sync_name(blob_); !named) {
      failed_ = true;
      return tl::unexpected(named.error());
    }
    return space::Extents();
  }

  Result<space::Extents> make_bytes_durable() override {
    if (failed_) return fail(Kind::other, "cannot make a blob durable: it failed before");
    if (relaxed_) return space::Extents();
    // fdatasync: the size is written, times are not.
    while (::fdatasync(fd_.get()) != 0) {
      if (errno == EINTR) continue;
      failed_ = true;
      return fail_blob("cannot make a blob durable");
    }
    return space::Extents();
  }

  Result<void> truncate(std::uint64_t size) override {
    while (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
      if (errno != EINTR) return fail_blob("cannot shorten a blob");
    preallocator_ = {};
    return {};
  }

  Result<std::uint64_t> size() const override { return size_of_file(fd_.get()); }

 private:
  static constexpr auto max_offset = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());

  const BlobKey blob_;
  UniqueFd fd_;
  const std::shared_ptr<Staging> staging_;
  const bool relaxed_;
  bool failed_ = false;
  std::uint64_t length_ = 0;  // 0: not known
  Preallocator preallocator_;
};

class OpenedFile final : public Opened {
 public:
  explicit OpenedFile(UniqueFd fd) : fd_(std::move(fd)) {}

  std::uint64_t size() const override { return size_of_file(fd_.get()).value_or(0); }
  Result<space::Piece> take(std::uint64_t offset, std::uint64_t most) override {
    return space::FileRun{fd_.get(), offset, most};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      const ssize_t got =
          ::pread(fd_.get(), out.data() + filled, out.size() - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_blob("cannot read a blob");
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

 private:
  UniqueFd fd_;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

struct FileBlobs::Impl {
  std::string path;
  FileBlobsOptions options;
  UniqueFd top, blobs, quarantine;
  const std::shared_ptr<Staging> staging = std::make_shared<Staging>();
  std::mutex shards_mutex;
  std::array<bool, 256> shards{};  // known to be there, durably

  DeferredClose deferred_close;

  Result<void> remove(int directory, const std::string& name);
  Result<UniqueFd> open_shard(const BlobKey& blob);
  Result<UniqueFd> make_shard(const BlobKey& blob);
  Result<void> list(int directory, bool staged, std::vector<BlobUse>& out) const;
};

FileBlobs::FileBlobs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileBlobs::~FileBlobs() = default;

Result<std::unique_ptr<FileBlobs>> FileBlobs::open(const std::string& directory, FileBlobsOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory;
  impl->options = options;
  if (auto made = make_directories(directory); !made) return tl::unexpected(made.error());
  auto top = open_directory(directory);
  if (!top) return tl::unexpected(top.error());
  impl->top = std::move(*top);
  for (auto [name, fd] :
       {std::pair{"blobs", &impl->blobs}, {"staging", &impl->staging->fd}, {"quarantine", &impl->quarantine}}) {
    auto opened = open_directory_at(impl->top.get(), name);
    if (!opened) return tl::unexpected(opened.error());
    *fd = std::move(*opened);
  }
  // The staging directory too: a former process may have left names there that were never synced.
  if (!options.relaxed) {
    if (auto synced = sync_directory(impl->top.get(), directory); !synced) return tl::unexpected(synced.error());
    if (auto synced = sync_directory(impl->staging->fd.get(), "staging"); !synced)
      return tl::unexpected(synced.error());
  }
  return std::unique_ptr<FileBlobs>(new FileBlobs(std::move(impl)));
}

Result<UniqueFd> FileBlobs::Impl::open_shard(const BlobKey& blob) {
  UniqueFd shard(::openat(blobs.get(), shard_of(blob).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (shard) return shard;
  if (errno == ENOENT) return fail(Kind::not_found, "no such blob");
  return fail_blob("cannot open a blob");
}

// The name of a directory is synced before the first file in it counts: a power cut would take both.
Result<UniqueFd> FileBlobs::Impl::make_shard(const BlobKey& blob) {
  const std::size_t number = blob.bytes[0];
  const std::lock_guard lock(shards_mutex);
  auto shard = open_directory_at(blobs.get(), shard_of(blob));
  if (!shard || shards[number]) return shard;
  if (!options.relaxed)
    if (auto synced = sync_directory(blobs.get(), "blobs"); !synced) return tl::unexpected(synced.error());
  shards[number] = true;
  return shard;
}

Result<std::unique_ptr<Staged>> FileBlobs::create(const BlobKey& blob) {
  // Ids are random: a file that is there already is somebody else's, or a mistake, and is not written over.
  UniqueFd fd = open_file_at(impl_->staging->fd.get(), blob.text(), O_RDWR | O_CREAT | O_EXCL);
  if (!fd) return fail_blob("cannot make a blob");
  if (!impl_->options.relaxed) impl_->staging->added(blob);
  return std::make_unique<StagedFile>(blob, std::move(fd), impl_->staging, impl_->options.relaxed);
}

Result<std::unique_ptr<Staged>> FileBlobs::reopen(const BlobKey& blob) {
  UniqueFd fd = open_file_at(impl_->staging->fd.get(), blob.text(), O_RDWR);
  if (!fd && errno == ENOENT) return fail(Kind::not_found, "no such blob");
  if (!fd) return fail_blob("cannot open a blob");
  if (auto size = size_of_file(fd.get()); !size) return tl::unexpected(size.error());
  return std::make_unique<StagedFile>(blob, std::move(fd), impl_->staging, impl_->options.relaxed);
}

// The bytes were synced before (make_bytes_durable), so the name in the shard never leads to fewer than all of them.
Result<void> FileBlobs::publish(const std::vector<BlobKey>& blobs) {
  std::array<UniqueFd, 256> shards;
  for (const BlobKey& blob : blobs) {
    UniqueFd& shard = shards[blob.bytes[0]];
    if (!shard) {
      auto made = impl_->make_shard(blob);
      if (!made) return tl::unexpected(made.error());
      shard = std::move(*made);
    }
    const std::string name = blob.text();
    // NOREPLACE: what is stored never changes, whatever goes wrong elsewhere.
    if (::renameat2(impl_->staging->fd.get(), name.c_str(), shard.get(), name.c_str(), RENAME_NOREPLACE) != 0)
      return fail_blob("cannot publish a blob");
  }
  if (impl_->options.relaxed) return {};
  for (const BlobKey& blob : blobs) impl_->staging->gone(blob);
  // The new names count. An old one that came back after power loss would be a second name of the same bytes, and goes
  // with them.
  for (const UniqueFd& shard : shards)
    if (shard)
      if (auto synced = sync_directory(shard.get(), "blobs"); !synced) return synced;
  return {};
}

Result<std::unique_ptr<Opened>> FileBlobs::open(const BlobKey& blob) {
  const std::string name = blob.text();
  const auto opened = [](UniqueFd fd) -> Result<std::unique_ptr<Opened>> {
    if (auto size = size_of_file(fd.get()); !size) return tl::unexpected(size.error());
    return std::make_unique<OpenedFile>(std::move(fd));
  };
  // It may move from staging to its shard between the looks, never back: so both are looked at twice.
  for (int look = 0; look < 2; ++look) {
    if (auto shard = impl_->open_shard(blob)) {
      if (UniqueFd fd = open_file_at(shard->get(), name, O_RDONLY)) return opened(std::move(fd));
      if (errno != ENOENT) return fail_blob("cannot open a blob");
    } else if (shard.error().kind != Kind::not_found) {
      return tl::unexpected(shard.error());
    }
    if (UniqueFd fd = open_file_at(impl_->staging->fd.get(), name, O_RDONLY)) return opened(std::move(fd));
    if (errno != ENOENT) return fail_blob("cannot open a blob");
  }
  return fail(Kind::not_found, "no such blob");
}

Result<void> FileBlobs::Impl::remove(int directory, const std::string& name) {
  struct stat status {};
  UniqueFd held;  // while it is held, only the name goes
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size >= large)
    held.reset(::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT) return fail_blob("cannot remove a blob");
  if (held) deferred_close.close_later(std::move(held));
  return {};
}

// Without a sync: a file that comes back after power loss stands in the trash of the catalog still, or is an orphan.
Result<void> FileBlobs::remove(const BlobKey& blob) {
  const std::string name = blob.text();
  impl_->staging->gone(blob);
  if (auto removed = impl_->remove(impl_->staging->fd.get(), name); !removed) return removed;
  auto shard = impl_->open_shard(blob);
  if (!shard) return shard.error().kind == Kind::not_found ? Result<void>() : tl::unexpected(shard.error());
  return impl_->remove(shard->get(), name);
}

Result<void> FileBlobs::quarantine(const BlobKey& blob) {
  const std::string name = blob.text();
  const auto move_from = [&](int directory) {
    return ::renameat2(directory, name.c_str(), impl_->quarantine.get(), name.c_str(), RENAME_NOREPLACE) == 0;
  };
  if (move_from(impl_->staging->fd.get())) return {};
  if (errno != ENOENT) return fail_blob("cannot set a blob aside");
  auto shard = impl_->open_shard(blob);
  if (!shard) return tl::unexpected(shard.error());
  if (move_from(shard->get())) return {};
  if (errno == ENOENT) return fail(Kind::not_found, "no such blob");
  return fail_blob("cannot set a blob aside");
}

Result<void> FileBlobs::Impl::list(int directory, bool staged, std::vector<BlobUse>& out) const {
  // A descriptor of its own: reading a directory moves its offset.
  const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail_blob("cannot list the blobs");
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(fd));
  if (!stream) {
    const int error = errno;
    ::close(fd);
    return fail_blob("cannot list the blobs", error);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) return errno == 0 ? Result<void>() : fail_blob("cannot list the blobs");
    const auto blob = BlobKey::parse(entry->d_name);
    struct stat status {};
    if (!blob || blob->text() != entry->d_name) continue;  // not ours
    if (::fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // gone meanwhile
      return fail_blob("cannot look at a blob");
    }
    out.push_back({*blob, staged, static_cast<std::uint64_t>(status.st_size)});
  }
}

Result<std::vector<BlobUse>> FileBlobs::list() {
  std::vector<BlobUse> out;
  // Staging first: what is published meanwhile is then seen twice rather than not at all.
  if (auto listed = impl_->list(impl_->staging->fd.get(), true, out); !listed) return tl::unexpected(listed.error());
  for (unsigned number = 0; number < 256; ++number) {
    BlobKey any;
    any.bytes[0] = static_cast<std::uint8_t>(number);
    auto shard = impl_->open_shard(any);
    if (!shard && shard.error().kind == Kind::not_found) continue;
    if (!shard) return tl::unexpected(shard.error());
    if (auto listed = impl_->list(shard->get(), false, out); !listed) return tl::unexpected(listed.error());
  }
  return out;
}

std::uint64_t FileBlobs::free_bytes() const {
  struct statvfs disk {};
  if (::fstatvfs(impl_->top.get(), &disk) != 0) return 0;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

}  // namespace qrx::store
