#include "send/send_tally.h"

namespace qrx::send {

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

void SendTally::retry(const std::string& text, bool counting) {
  const std::lock_guard lock(mutex_);
  if (events_.retry) events_.retry(text, counting);
}

void SendTally::committed() {
  const std::lock_guard lock(mutex_);
  if (events_.progress) events_.progress(total_.value_or(sum_), total_.value_or(sum_));
}

}  // namespace qrx::send
