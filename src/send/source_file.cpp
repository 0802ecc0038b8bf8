#include "send/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/running_sums.h"

namespace qrx::send {
namespace {

tl::unexpected<Error> changed(const Source& source) {
  return fail(Kind::integrity, source.path + " changed while it was being sent",
              "send it again when nobody else is writing to it");
}

}  // namespace

Result<SourceFile> SourceFile::open(const Source& source, bool strictly) {
  int fd;
  // Not blocking, should the path have become a named pipe since.
  do fd = ::open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("cannot read " + source.path);
  SourceFile file(source, UniqueFd(fd), strictly);
  if (auto same = file.check_unchanged(); !same) return tl::unexpected(same.error());
  return file;
}

Result<std::size_t> SourceFile::read_at(std::uint64_t offset, std::span<std::byte> space) const {
  for (;;) {
    const ssize_t got = ::pread(fd_.get(), space.data(), space.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return fail_errno("cannot read " + source_->path);
  }
}

Result<void> SourceFile::check_unchanged() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return fail_errno("cannot read " + source_->path);
  // Also the inode: a file that was replaced by rename(2) within the clock's resolution has the same time and perhaps
  // the same size.
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != source_->size ||
      nanoseconds_of(status.st_mtim) != source_->mtime_ns || status.st_ino != source_->inode ||
      status.st_dev != source_->device)
    return changed(*source_);
  // Who writes can set mtime back, but not ctime.
  if (strictly_ && nanoseconds_of(status.st_ctim) != source_->ctime_ns) return changed(*source_);
  return {};
}

tl::unexpected<Error> became_shorter(const Source& source) {
  return fail(Kind::integrity, source.path + " became shorter while it was being sent");
}

Result<SentFile> sum_file(const Source& source, bool sha256, const http::Interrupt& interrupt) {
  auto file = SourceFile::open(source);
  if (!file) return tl::unexpected(file.error());
  // One byte more than it should have, to notice that it grew.
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(*source.size + 1, 256U << 10)));
  RunningSums running(sha256);
  for (std::uint64_t at = 0; at < *source.size;) {
    if (interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    const auto got = file->read_at(at, buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return changed(source);
    running.update({buffer.data(), *got});
    at += *got;
  }
  const Sums sums = running.sums();
  return SentFile{source.name, *source.size, sums.xxh128, sums.sha256};
}

}  // namespace qrx::send
