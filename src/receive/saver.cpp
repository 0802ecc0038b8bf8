#include "receive/saver.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/text.h"
#include "receive/local_names.h"

namespace qrx::receive {
namespace {

constexpr std::uint64_t flush_step = 8U << 20;  // write-back is started every so many bytes
constexpr unsigned most_numbers = 10'000;       // "photo (9999).jpg", then it is an error
constexpr unsigned most_directory_numbers = 100;

int open_at(int directory, const char* name, int flags, mode_t mode = 0) {
  int fd;
  do fd = ::openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

// The same as open_beneath() for kernels before 5.6: directory by directory, none of them a link.
int walk_beneath(int root, const std::string& path, int flags) {
  UniqueFd directory;
  const auto parts = split_path(path);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "." || parts[i] == "..") {
      errno = EXDEV;
      return -1;
    }
    const int at = directory ? directory.get() : root;
    const int fd = open_at(at, parts[i].c_str(), i + 1 == parts.size() ? flags : O_RDONLY | O_DIRECTORY);
    if (fd < 0 || i + 1 == parts.size()) return fd;
    directory.reset(fd);
  }
  errno = ENOENT;
  return -1;
}

// The whole path in one call, never through a link, never out of `root`.
int open_beneath(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd;
  do fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0 && errno == ENOSYS) return walk_beneath(root, path, flags);
  return static_cast<int>(fd);
}

template <class Take>
bool read_all(int fd, Take take) {
  std::vector<std::byte> buffer(256U << 10);
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    take(ByteView(buffer).first(static_cast<std::size_t>(got)));
  }
}

int rename_no_replace(int directory, const char* from, const char* to) {
  if (::renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // A file system that cannot (some network ones): a second name cannot replace either.
  if (::linkat(directory, from, directory, to, 0) == 0) return ::unlinkat(directory, from, 0);
  if (errno == EEXIST) return -1;
  // No second names either (FAT, exFAT): what is replaced is an empty file of our own.
  const UniqueFd placeholder(open_at(directory, to, O_WRONLY | O_CREAT | O_EXCL, 0666));
  if (!placeholder) return -1;
  if (::renameat(directory, from, directory, to) == 0) return 0;
  const int error = errno;
  ::unlinkat(directory, to, 0);
  errno = error;
  return -1;
}

// The answers of file systems to a name that they cannot have: FAT, exFAT, CIFS, NTFS; and to one that is too long.
bool is_name_refused(int error) {
  return error == EINVAL || error == ENOENT || error == EILSEQ || error == ENAMETOOLONG || error == EIO;
}

// As `leaf`, or by a name that more file systems take: `make` gets one after the other. The name that was taken.
template <class Make>
std::optional<std::string> with_a_name(const std::string& leaf, Make make) {
  if (make(leaf)) return leaf;
  const int error = errno;
  if (!is_name_refused(error)) return std::nullopt;
  for (const bool ascii : {false, true}) {
    const std::string name = portable_name(leaf, ascii);
    if (name != leaf && make(name)) return name;
    if (name != leaf && !is_name_refused(errno)) return std::nullopt;
  }
  errno = error;
  return std::nullopt;
}

// A file that only shows what this directory does to files of ours. Without a name where the file system can; else a
// kill right here leaves what remove_stale() removes.
UniqueFd make_probe(int directory) {
  UniqueFd probe(open_at(directory, ".", O_RDWR | O_TMPFILE, 0600));
  if (probe || errno == EACCES || errno == EROFS || errno == EPERM) return probe;
  const std::string name = partial_name("probe", Id::random(), false);
  probe.reset(open_at(directory, name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  if (probe) ::unlinkat(directory, name.c_str(), 0);
  return probe;
}

// Mounts may show any owner (CIFS, FAT with uid=, NFS with root_squash, sshfs, WSL): ours is whom they show for what we
// make.
bool is_ours(int directory, const struct stat& status) {
  if (status.st_uid == ::geteuid()) return true;
  struct stat made {};
  const UniqueFd probe = make_probe(directory);
  return probe && ::fstat(probe.get(), &made) == 0 && made.st_uid == status.st_uid && made.st_uid != ::geteuid();
}

// The file systems that have no such thing; what they hold is as durable as they make it.
bool cannot_sync(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EBADF || error == EPERM ||
         error == EACCES;
}

}  // namespace

Result<std::unique_ptr<Saver>> Saver::open(const std::string& output, OnConflict on_conflict, bool several) {
  std::unique_ptr<Saver> saver(new Saver);
  saver->on_conflict_ = on_conflict;
  const std::string path = output.empty() ? "." : output;
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (!there && errno != ENOENT) return fail_errno("cannot use " + path + " for output");

  std::string directory = path;
  if (!there && (several || path.back() == '/')) {
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return fail_errno("cannot make the directory " + path);
  } else if (!there || !S_ISDIR(status.st_mode)) {
    if (there && on_conflict == OnConflict::refuse) return fail(Kind::exists, path + " already exists; not saved");
    const auto slash = path.rfind('/');
    directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    saver->file_name_ = slash == std::string::npos ? path : path.substr(slash + 1);
    if (saver->file_name_.empty() || saver->file_name_ == ".." || saver->file_name_.size() > 255)
      return fail(Kind::usage, "cannot save as " + path);
  }
  int fd;
  do fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("cannot open the directory " + directory);
  saver->root_.reset(fd);
  if (!make_probe(fd)) return fail_errno("cannot write to the directory " + directory);

  if (directory != "." || path.starts_with("./")) saver->shown_ = directory.back() == '/' ? directory : directory + "/";
  if (path == ".") saver->shown_.clear();
  return saver;
}

bool Saver::is_stream(const std::string& output) {
  struct stat status {};
  if (output.empty() || ::stat(output.c_str(), &status) != 0) return false;
  return !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

// Opens the directory that a file goes to, making what is missing. Something that is in the way (a file, a link) is
// left alone: the directory gets a number instead, as a file would, so that a planted link leads nowhere.
Result<Saver::Place> Saver::enter(const std::string& local_name) const {
  Place place;
  std::vector<std::string> parts = split_path(local_name);
  place.leaf = parts.back();
  parts.pop_back();

  if (!parts.empty()) {
    std::string directories;
    for (const auto& part : parts) directories += part + "/";
    if (const int fd = open_beneath(root_.get(), directories, O_RDONLY | O_DIRECTORY); fd >= 0) {
      place.directory.reset(fd);
      place.directories = directories;
      return place;
    }
  }
  place.directory.reset(open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY));
  if (!place.directory) return fail_errno("cannot open the output directory");
  for (const auto& part : parts) {
    for (unsigned number = 0;; ++number) {
      const auto made = with_a_name(numbered_name(part, number), [&](const std::string& one) {
        return ::mkdirat(place.directory.get(), one.c_str(), 0777) == 0 || errno == EEXIST;
      });
      if (!made) return fail_errno("cannot make the directory " + shown_ + place.directories + part);
      const std::string& name = *made;
      const int fd = open_at(place.directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY);
      if (fd >= 0) {
        place.directory.reset(fd);
        place.directories += name + "/";
        break;
      }
      if (errno != ELOOP && errno != ENOTDIR && errno != ENOENT)
        return fail_errno("cannot open the directory " + shown_ + place.directories + name);
      if (on_conflict_ != OnConflict::rename)
        return fail(Kind::exists, shown_ + place.directories + name + " is in the way: not a directory");
      if (number == most_directory_numbers)
        return fail(Kind::exists, "too many things are in the way of " + shown_ + place.directories + part);
    }
  }
  return place;
}

// The name under which this file may be saved, considering the other files of its delivery.
Result<std::string> Saver::claim(const std::string& local_name, const Id& file, const Id& delivery) {
  const auto slash = local_name.rfind('/');
  const std::string directories = slash == std::string::npos ? "" : local_name.substr(0, slash + 1);
  const std::string leaf = local_name.substr(directories.size());
  const std::lock_guard lock(mutex_);
  for (unsigned number = 0; number < most_numbers; ++number) {
    std::string name = directories + numbered_name(leaf, number);
    const auto [it, added] = taken_.try_emplace(name, Owner{file, delivery});
    if (!added && it->second.delivery != delivery) it->second = Owner{file, delivery};
    if (it->second.file == file) return name;
  }
  return fail(Kind::exists, "too many files of one delivery are named " + local_name);
}

// Where "a.txt" and "A.txt" are one, the second of a delivery must not replace the first.
bool Saver::is_twin(const std::string& directories, const std::string& leaf, int directory) {
  struct stat ours {
  }, other{};
  if (::fstatat(directory, leaf.c_str(), &ours, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const std::lock_guard lock(mutex_);
  for (auto at = taken_.lower_bound(directories); at != taken_.end() && at->first.starts_with(directories); ++at) {
    const std::string name = at->first.substr(directories.size());
    if (name != leaf && name.size() == leaf.size() && equal_ignoring_case(name, leaf) &&
        ::fstatat(directory, name.c_str(), &other, AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == ours.st_ino &&
        other.st_dev == ours.st_dev)
      return true;
  }
  return false;
}

Result<PartialFile> Saver::begin(std::string_view wire_name, const Id& file, const Id& delivery) {
  auto name = claim(one_file() ? file_name_ : safe_local_name(wire_name), file, delivery);
  if (!name) return tl::unexpected(name.error());
  auto place = enter(*name);
  if (!place) return tl::unexpected(place.error());

  PartialFile partial;
  partial.saver_ = this;
  partial.directory_ = std::move(place->directory);
  partial.leaf_ = place->leaf;
  partial.part_ = partial_name(partial.leaf_, file);
  partial.name_ = place->directories + place->leaf;
  partial.claimed_ = std::move(*name);
  partial.on_conflict_ = on_conflict_;

  struct stat status {};
  if (on_conflict_ == OnConflict::refuse &&
      ::fstatat(partial.directory_.get(), partial.leaf_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return fail(Kind::exists, shown_ + partial.name_ + " already exists; not saved");

  if (auto opened = open_part(partial, *place, file); !opened) return tl::unexpected(opened.error());
  const std::string shown = shown_ + place->directories + partial.part_;
  if (::fstat(partial.file_.get(), &status) != 0) return fail_errno("cannot write " + shown);
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1 || !is_ours(partial.directory_.get(), status))
    return fail(Kind::integrity, "cannot write " + shown + ": something that is not ours has this name");
  if (::flock(partial.file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return fail(Kind::locked, "another process is saving " + shown_ + partial.name_);
  partial.size_ = partial.flushed_ = static_cast<std::uint64_t>(status.st_size);
  const std::lock_guard lock(mutex_);
  parts_.insert(place->directories + partial.part_);
  return partial;
}

// Under the name that the file system takes; the target gets the like.
Result<void> Saver::open_part(PartialFile& partial, Place& place, const Id& file) const {
  const auto taken = with_a_name(place.leaf, [&](const std::string& leaf) {
    partial.part_ = partial_name(leaf, file, lasting_);
    partial.file_.reset(open_at(partial.directory_.get(), partial.part_.c_str(), O_RDWR | O_CREAT | O_NONBLOCK, 0666));
    return static_cast<bool>(partial.file_);
  });
  if (!taken) return fail_errno("cannot write " + shown_ + place.directories + partial.part_);
  partial.leaf_ = place.leaf = *taken;
  partial.name_ = place.directories + *taken;
  return {};
}

void Saver::discard_parts() {
  std::set<std::string> parts;
  {
    const std::lock_guard lock(mutex_);
    parts.swap(parts_);
  }
  for (const auto& part : parts) {
    const auto slash = part.rfind('/');
    const std::string directories = slash == std::string::npos ? "" : part.substr(0, slash + 1);
    const UniqueFd directory(directories.empty() ? open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY)
                                                 : open_beneath(root_.get(), directories, O_RDONLY | O_DIRECTORY));
    if (directory) ::unlinkat(directory.get(), part.c_str() + directories.size(), 0);
  }
}

void Saver::remove_stale() {
  const int fd = open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY);
  DIR* listing = fd < 0 ? nullptr : ::fdopendir(fd);
  if (!listing) return;
  while (const dirent* entry = ::readdir(listing)) {
    if (!is_passing_partial(entry->d_name)) continue;
    const UniqueFd file(open_at(fd, entry->d_name, O_RDWR | O_NONBLOCK));
    struct stat status {};
    // Its lock says that its run lives.
    if (file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && is_ours(fd, status) &&
        ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      ::unlinkat(fd, entry->d_name, 0);
  }
  ::closedir(listing);
}

Result<void> Saver::settle(const Id& delivery) {
  std::set<std::string> directories;
  {
    const std::lock_guard lock(mutex_);
    directories.swap(unsettled_);
    std::erase_if(taken_, [&delivery](const auto& taken) { return taken.second.delivery == delivery; });
  }
  for (const auto& directory : directories) {
    // Each directory up to the output directory may be new.
    for (std::string path = directory;;) {
      const UniqueFd fd(path.empty() ? open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY)
                                     : open_beneath(root_.get(), path, O_RDONLY | O_DIRECTORY));
      // A directory that was moved away meanwhile is its mover's business.
      if (fd && ::fsync(fd.get()) != 0 && !cannot_sync(errno))
        return fail_errno("cannot make " + shown_ + path + " durable");
      if (path.empty()) break;
      const auto slash = path.rfind('/', path.size() - 2);
      path = slash == std::string::npos ? "" : path.substr(0, slash + 1);
      if (!path.empty() && directories.contains(path)) break;
    }
  }
  return {};
}

std::optional<std::string> Saver::find_saved(const std::string& name, std::uint64_t size, const Xxh128Sum& sum) const {
  const auto slash = name.rfind('/');
  const std::string directories = slash == std::string::npos ? "" : name.substr(0, slash + 1);
  for (unsigned number = 0; number < most_numbers; ++number) {
    const std::string relative = directories + numbered_name(name.substr(directories.size()), number);
    struct stat status {};
    if (const UniqueFd file = open_saved(relative);
        file && ::fstat(file.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size) {
      Xxh128 running;
      if (read_all(file.get(), [&running](ByteView bytes) { running.update(bytes); }) && running.sum() == sum)
        return shown_ + relative;
    }
    if (::fstatat(root_.get(), relative.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) break;
  }
  return std::nullopt;
}

UniqueFd Saver::open_saved(const std::string& relative) const {
  UniqueFd file(open_beneath(root_.get(), relative, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) file.reset();
  return file;
}

std::optional<Sha256Sum> Saver::sha256_of(const std::string& path) const {
  const UniqueFd file = open_saved(path.substr(shown_.size()));
  Sha256 sum;
  if (!file || !read_all(file.get(), [&sum](ByteView bytes) { sum.update(bytes); })) return std::nullopt;
  return sum.sum();
}

Result<void> PartialFile::write(ByteView bytes) {
  if (length_ > 0) ahead_.before_write(file_.get(), size_, bytes.size(), length_);
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("cannot write " + saver_->shown_ + name_);
    size_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
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
    if (errno != EINTR) return fail_errno("cannot read " + saver_->shown_ + name_ + " again");
  }
}

Result<void> PartialFile::truncate(std::uint64_t size) {
  if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0)
    return fail_errno("cannot shorten " + saver_->shown_ + name_);
  size_ = size;
  flushed_ = std::min(flushed_, size);
  ahead_ = {};
  return {};
}

Result<std::string> PartialFile::publish() {
  const std::string directories = name_.substr(0, name_.size() - leaf_.size());
  const std::string wanted = saver_->shown_ + name_;
  if (::fdatasync(file_.get()) != 0 && !cannot_sync(errno)) return fail_errno("cannot make " + wanted + " durable");
  struct stat ours {
  }, named{};
  if (::fstat(file_.get(), &ours) != 0 ||
      ::fstatat(directory_.get(), part_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || ours.st_ino != named.st_ino ||
      ours.st_dev != named.st_dev)
    return fail(Kind::integrity, "cannot save " + wanted + ": its partial file was replaced or removed meanwhile");

  std::string leaf = leaf_;
  if (on_conflict_ == OnConflict::overwrite && !saver_->is_twin(directories, leaf_, directory_.get())) {
    if (::renameat(directory_.get(), part_.c_str(), directory_.get(), leaf.c_str()) != 0) {
      if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST)
        return fail(Kind::exists, "cannot overwrite " + wanted + ": it is a directory");
      return fail_errno("cannot save " + wanted);
    }
  } else {
    for (unsigned number = 0;; ++number) {
      leaf = numbered_name(leaf_, number);
      if (rename_no_replace(directory_.get(), part_.c_str(), leaf.c_str()) == 0) break;
      if (errno != EEXIST) return fail_errno("cannot save " + wanted);
      if (on_conflict_ != OnConflict::rename && on_conflict_ != OnConflict::overwrite)
        return fail(Kind::exists, wanted + " already exists; not saved");
      if (number == most_numbers) return fail(Kind::exists, wanted + " already exists; not saved");
    }
  }
  {
    const std::lock_guard lock(saver_->mutex_);
    saver_->unsettled_.insert(directories);
    saver_->parts_.erase(directories + part_);
  }
  return saver_->shown_ + directories + leaf;
}

Result<void> PartialFile::rename_to(std::string_view wire_name, const Id& file, const Id& delivery) {
  const auto claimed =
      saver_->claim(saver_->one_file() ? saver_->file_name_ : safe_local_name(wire_name), file, delivery);
  if (!claimed) return tl::unexpected(claimed.error());
  if (*claimed == claimed_) return {};
  // It makes an empty partial where this one is to be, with all that begin() checks.
  auto target = saver_->begin(wire_name, file, delivery);
  if (!target) return tl::unexpected(target.error());
  if (::renameat(directory_.get(), part_.c_str(), target->directory_.get(), target->part_.c_str()) == 0) {
    target->file_ = std::move(file_);
    target->size_ = size_;
    target->flushed_ = flushed_;
    *this = std::move(*target);
    return {};
  }
  if (errno != EXDEV) return fail_errno("cannot save " + saver_->shown_ + target->name_);
  // Another file system is mounted there.
  if (auto emptied = target->truncate(0); !emptied) return emptied;
  std::vector<std::byte> buffer(256U << 10);
  while (target->size() < size_) {
    const auto got = read_at(target->size(), buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::integrity, name_ + " was changed by someone while it was being saved");
    if (auto written = target->write({buffer.data(), *got}); !written) return written;
  }
  discard();
  *this = std::move(*target);
  return {};
}

void PartialFile::discard() {
  static_cast<void>(::unlinkat(directory_.get(), part_.c_str(), 0));  // gone already is as good
  const std::lock_guard lock(saver_->mutex_);
  saver_->parts_.erase(name_.substr(0, name_.size() - leaf_.size()) + part_);
  // Its name is free for another file of the delivery: a sender may have begun it anew.
  const auto taken = saver_->taken_.find(claimed_);
  if (taken != saver_->taken_.end() &&
      part_.ends_with(partial_name("", taken->second.file, saver_->lasting_).substr(1)))
    saver_->taken_.erase(taken);
  file_.reset();
}

}  // namespace qrx::receive
