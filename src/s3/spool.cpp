#include "s3/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdlib>

namespace qrx::s3 {
namespace {

// The store takes some of it meanwhile, or is in trouble: then senders come again.
constexpr auto longest_wait = Millis(5000);
constexpr auto full_for = Seconds(5);
constexpr std::uint64_t least_room = 1U << 20;

UniqueFd open_nameless(const std::string& directory) {
  UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  std::string name = directory + "/qrx-spool-XXXXXX";
  fd.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (fd) ::unlink(name.c_str());
  return fd;
}

}  // namespace

SpoolFile::~SpoolFile() {
  spool_->give_back(size_);
}

Result<void> SpoolFile::write_at(std::uint64_t offset, ByteView bytes) {
  const std::uint64_t end = offset + bytes.size();
  if (const std::lock_guard lock(mutex_); end > size_) {
    // No trouble of this node's: with a slow store it is so on all of them, and what is read is read from any.
    if (!spool_->take(end - size_, longest_wait))
      return fail(Kind::unavailable, "the spool is full: bytes come faster than the S3 store takes them");
    size_ = end;
  }
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const Error error = fail_errno("cannot write to the spool").value();
      spool_->refused();
      return fail(Kind::unavailable, error.what);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> SpoolFile::read_at(std::uint64_t offset, std::span<char> out) const {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got =
        ::pread(fd_.get(), out.data() + filled, out.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read the spool");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<std::shared_ptr<Spool>> Spool::open(const std::string& directory, std::uint64_t most) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0 && errno == ENOENT && ::mkdir(directory.c_str(), 0700) != 0)
    return fail(Kind::usage, fail_errno("cannot make the spool " + directory).value().what);
  if (!open_nameless(directory)) return fail(Kind::usage, fail_errno("cannot use the spool " + directory).value().what);
  return std::shared_ptr<Spool>(new Spool(directory, most));
}

Result<std::shared_ptr<SpoolFile>> Spool::make() {
  UniqueFd fd = open_nameless(directory_);
  if (!fd) {
    const Error error = fail_errno("cannot write to the spool " + directory_).value();
    refused();
    return fail(Kind::unavailable, error.what);
  }
  return std::make_shared<SpoolFile>(shared_from_this(), std::move(fd));
}

bool Spool::has_room() const {
  const Steady last = refused_;
  if (last != Steady() && system_clock().steady() - last < full_for) return false;
  struct statvfs disk {};
  if (::statvfs(directory_.c_str(), &disk) != 0) return false;
  // Of file systems that make inodes as they are needed there are none to be counted.
  return disk.f_bavail * disk.f_frsize >= least_room && (disk.f_files == 0 || disk.f_favail > 0);
}

bool Spool::take(std::uint64_t bytes, Millis wait) {
  std::unique_lock lock(mutex_);
  if (!less_.wait_for(lock, wait, [&] { return used_ + bytes <= most_; })) return false;
  used_ += bytes;
  return true;
}

void Spool::give_back(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
  less_.notify_all();
}

}  // namespace qrx::s3
