#include "receive/receive_tally.h"

#include <chrono>

namespace qrx::receive {

namespace {

constexpr Millis tell_step{100};  // ten times a second are enough for a display

}  // namespace

void ReceiveTally::expect(const Id& file, const std::string& name, std::optional<std::uint64_t> total, bool uploading) {
  const std::lock_guard lock(mutex_);
  const auto [it, added] = incoming_.try_emplace(file);
  Incoming& incoming = it->second;
  // Begun anew: its old figures are taken out first.
  if (!added) {
    if (incoming.total)
      known_total_ -= *incoming.total;
    else
      --unknown_totals_;
    if (incoming.uploading) --uploading_;
  }
  incoming.name = name;
  incoming.total = total;
  incoming.uploading = uploading;
  if (total)
    known_total_ += *total;
  else
    ++unknown_totals_;
  if (uploading) ++uploading_;
}

void ReceiveTally::arrived(const Id& file, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto it = incoming_.find(file);
  if (it == incoming_.end() || it->second.bytes == bytes) return;
  bytes_ += bytes - it->second.bytes;
  it->second.bytes = bytes;
  tell(it->second, it->second.total == bytes);
}

void ReceiveTally::forget(const Id& file) {
  const std::lock_guard lock(mutex_);
  const auto it = incoming_.find(file);
  if (it == incoming_.end()) return;
  bytes_ -= it->second.bytes;
  if (it->second.total)
    known_total_ -= *it->second.total;
  else
    --unknown_totals_;
  if (it->second.uploading) --uploading_;
  incoming_.erase(it);
}

void ReceiveTally::tell(const Incoming& last, bool at_once) {
  if (!events_.receiving) return;
  const auto now = std::chrono::steady_clock::now();
  // The last of them is told at once, so that a display does not end at 99 %.
  const bool all = unknown_totals_ == 0 && bytes_ == known_total_;
  if (now < next_tell_ && !(at_once && all)) return;
  next_tell_ = now + tell_step;
  IncomingProgress progress;
  progress.name = last.name;
  progress.bytes = bytes_;
  if (unknown_totals_ == 0) progress.total = known_total_;
  progress.uploading = uploading_ > 0;
  events_.receiving(progress);
}

void ReceiveTally::notice(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (events_.notice) events_.notice(text);
}

void ReceiveTally::retrying(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (events_.retrying) events_.retrying(text);
}

void ReceiveTally::saved(const SavedFile& file) {
  const std::lock_guard lock(mutex_);
  if (events_.saved) events_.saved(file);
}

bool ReceiveTally::delivered(const SavedDelivery& delivery) {
  const std::lock_guard lock(mutex_);
  return !events_.delivered || events_.delivered(delivery);
}

void ReceiveTally::refused(const wire::DeliveryInfo& delivery, const Error& error) {
  for (const auto& file : delivery.files) forget(file.file);
  const std::lock_guard lock(mutex_);
  if (events_.refused) events_.refused(delivery, error);
}

Wish ReceiveTally::accept(const wire::DeliveryInfo& delivery, const wire::FileInfo& file) {
  const std::lock_guard lock(mutex_);
  return events_.accept ? events_.accept(delivery, file) : Wish::save;
}

Wish ReceiveTally::keep(const wire::FileInfo& file, int descriptor) {
  const std::lock_guard lock(mutex_);
  return events_.arrived ? events_.arrived(file, descriptor) : Wish::save;
}

}  // namespace qrx::receive
