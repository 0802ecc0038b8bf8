#include "receive/receive_job.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "api/refusals.h"
#include "base/private_files.h"
#include "base/text.h"
#include "base/write_all.h"

namespace qrx::receive {

namespace {
constexpr Millis tell_step{100};
}

void ReceiveTally::expect(const Id& file, const std::string& name, std::optional<std::uint64_t> total, bool uploading) {
  const std::lock_guard lock(mutex_);
  const auto [it, added] = incoming_.try_emplace(file);
  Incoming& incoming = it->second;
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

void ReceiveTally::delivered(const SavedDelivery& delivery) {
  const std::lock_guard lock(mutex_);
  if (events_.delivered) events_.delivered(delivery);
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

SavedRecord::SavedRecord(const std::string& directory, const Guid& guid) {
  if (directory.empty()) return;
  if (!make_private_directories(directory)) return;
  path_ = directory + "/" + guid.text() + ".saved";
  std::ifstream lines(path_);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string file, name, sum, delivery;
    Entry entry;
    if (!(words >> file >> name)) continue;
    const auto id = Id::parse(file);
    if (id && name == "done") finished_.files.insert(*id);
    if (id && name == "finished") finished_.deliveries.insert(*id);
    if (!(words >> entry.size >> sum >> delivery)) continue;
    const auto of = Id::parse(delivery);
    const auto xxh128 = api::sum_from_hex(sum);
    if (!id || !of || !xxh128 || !percent_decode(name, entry.name)) continue;
    entry.xxh128 = *xxh128;
    entry.delivery = *of;
    earlier_[*id] = std::move(entry);
  }
}

void SavedRecord::add(const Id& file, const Entry& entry) {
  const std::lock_guard lock(mutex_);
  append(file.text() + " " + percent_encode_segment(entry.name) + " " + std::to_string(entry.size) + " " +
         to_hex(entry.xxh128) + " " + entry.delivery.text() + "\n");
}

void SavedRecord::finish(const Id& delivery, const std::vector<Id>& files, bool whole) {
  std::string lines;
  for (const auto& file : files) lines += file.text() + " done\n";
  const std::lock_guard lock(mutex_);
  finished_.files.insert(files.begin(), files.end());
  if (whole) finished_.deliveries.insert(delivery);
  if (whole) lines += delivery.text() + " finished\n";
  append(lines);
}

bool SavedRecord::is_done(const Id& file) const {
  const std::lock_guard lock(mutex_);
  return finished_.files.contains(file);
}

Finished SavedRecord::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void SavedRecord::append(const std::string& lines) {
  if (path_.empty() || lines.empty()) return;
  if (!file_) {
    file_.reset(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_) {
      path_.clear();
      return;
    }
  }
  // The newline first: a line that a crash cut short spoils no other.
  static_cast<void>(write_all(file_.get(), "\n" + lines, path_));
}

std::optional<SavedRecord::Entry> SavedRecord::find(const Id& file, const Id& delivery) const {
  const auto it = earlier_.find(file);
  return it == earlier_.end() || it->second.delivery != delivery ? std::nullopt : std::optional(it->second);
}

void SavedRecord::remove() {
  const std::lock_guard lock(mutex_);
  if (path_.empty()) return;
  static_cast<void>(::unlink(path_.c_str()));  // not there is as good
  file_.reset();
}

api::Patience ReceiveJob::patience() const {
  return api::Patience(interrupt, limits(), [this](const std::string& text) { tally.retrying(text); });
}

RunningSums::RunningSums(bool with_sha256) {
  if (with_sha256) sha256_.emplace();
}

void RunningSums::reset() {
  xxh128_.reset();
  if (sha256_) sha256_.emplace();
}

void RunningSums::update(ByteView bytes) {
  xxh128_.update(bytes);
  if (sha256_) sha256_->update(bytes);
}

Sums RunningSums::sums() const {
  Sums out{xxh128_.sum(), std::nullopt};
  if (sha256_) out.sha256 = sha256_->sum();
  return out;
}

Result<void> sum_partial(const PartialFile& partial, RunningSums& sums, std::vector<std::byte>& buffer,
                         const http::Interrupt& interrupt) {
  sums.reset();
  for (std::uint64_t at = 0; at < partial.size();) {
    if (interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), partial.size() - at));
    const auto got = partial.read_at(at, std::span(buffer).first(most));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::integrity, partial.name() + " was changed by someone while it was being saved");
    sums.update({buffer.data(), *got});
    at += *got;
  }
  return {};
}

}  // namespace qrx::receive
