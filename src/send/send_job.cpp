#include "send/send_job.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace qrx::send {
namespace {

tl::unexpected<Error> changed(const Source& source) {
  return fail(Kind::integrity, source.path + " changed while it was being sent",
              "send it again when nobody writes to it");
}

}  // namespace

SendTally::SendTally(const SenderEvents& events, const SourceList& sources)
    : events_(events), bytes_(sources.sources.size(), 0), known_(sources.known_bytes) {
  for (const auto& source : sources.sources) open_streams_ += source.stream ? 1 : 0;
  if (open_streams_ == 0) total_ = known_;
}

void SendTally::set(std::size_t index, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes_[index] == bytes) return;
  sum_ += bytes - bytes_[index];
  bytes_[index] = bytes;
  tell();
}

void SendTally::length_known(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  known_ += bytes;
  if (--open_streams_ == 0) total_ = known_;
}

void SendTally::tell() {
  if (!events_.progress) return;
  std::uint64_t shown = sum_;
  // The whole is not shown before the delivery is committed.
  if (total_ && shown >= *total_) shown = *total_ > 0 ? *total_ - 1 : 0;
  events_.progress(shown, total_);
}

void SendTally::sent(const SentFile& file) {
  const std::lock_guard lock(mutex_);
  if (events_.sent) events_.sent(file);
}

void SendTally::notice(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (events_.notice) events_.notice(text);
}

void SendTally::retry(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (events_.retry) events_.retry(text);
}

void SendTally::committed() {
  const std::lock_guard lock(mutex_);
  if (events_.progress) events_.progress(total_.value_or(sum_), total_.value_or(sum_));
}

api::Patience SendJob::patience() {
  return api::Patience(interrupt, {options.first_retry, options.most_retry, options.give_up},
                       [this](const std::string& text) { tally.retry(text); });
}

const std::string& SendJob::wire_name(std::size_t index) const {
  return plan != nullptr ? plan->item(index) : list.sources[index].name;
}

std::uint64_t SendJob::wire_size(std::size_t index) const {
  const std::uint64_t size = *list.sources[index].size;
  return plan != nullptr ? seal::sealed_size(size) : size;
}

void SendJob::finish(std::size_t index, SentFile file, const Xxh128Sum& wire_sum, std::uint64_t wire_bytes) {
  file.sealed = plan != nullptr;
  wire[index] = {wire_name(index), wire_bytes, wire_sum};
  if (!list.sources[index].stream) tally.set(index, file.size);
  tally.sent(file);
  done[index] = std::move(file);
}

Result<SourceFile> SourceFile::open(const Source& source, bool strictly) {
  int fd;
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
  const std::int64_t mtime_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != source_->size ||
      mtime_ns != source_->mtime_ns || status.st_ino != source_->inode || status.st_dev != source_->device)
    return changed(*source_);
  // Who writes can set mtime back, but not ctime.
  const std::int64_t ctime_ns = std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
  if (strictly_ && ctime_ns != source_->ctime_ns) return changed(*source_);
  return {};
}

Result<SentFile> sum_file(const Source& source, bool sha256, const http::Interrupt& interrupt) {
  auto file = SourceFile::open(source);
  if (!file) return tl::unexpected(file.error());
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(*source.size + 1, 256U << 10)));
  Xxh128 xxh128;
  std::optional<Sha256> sha;
  if (sha256) sha.emplace();
  for (std::uint64_t at = 0; at < *source.size;) {
    if (interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    const auto got = file->read_at(at, buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return changed(source);
    xxh128.update({buffer.data(), *got});
    if (sha) sha->update({buffer.data(), *got});
    at += *got;
  }
  SentFile out{source.name, *source.size, xxh128.sum(), std::nullopt};
  if (sha) out.sha256 = sha->sum();
  return out;
}

}  // namespace qrx::send
