#include "space/writer.h"

#include <algorithm>

#include "space/content_type.h"

namespace qrx::space {
namespace {

constexpr std::uint64_t shown_every = 256U << 10;
// Early write-back keeps the sync at the end short: 8 MiB are about 10 ms of a fast disk.
constexpr std::uint64_t written_back_every = 8U << 20;
// How much a slow upload may lose when the server is killed.
constexpr auto record_every = Millis(2000);
// Asking the quotas takes locks: not for each piece that the network brings.
constexpr std::uint64_t claimed_at_once = 1U << 20;

}  // namespace

Result<void> CompleteWriter::write(ByteView bytes) {
  if (bytes.empty()) return {};
  return fail(Kind::too_large, "the upload is complete already");
}

Writer::Writer(Rules& rules, LivePtr live, UploadPtr upload, Hold hold, std::unique_ptr<Staged> staged,
               std::optional<Checksum> checksum)
    : rules_(rules),
      live_(std::move(live)),
      upload_(std::move(upload)),
      hold_(std::move(hold)),
      staged_(std::move(staged)),
      checksum_(std::move(checksum)),
      start_(upload_->row.offset),
      epoch_(upload_->row.epoch),
      length_(upload_->row.length),
      offset_(start_),
      recorded_(start_),
      shown_(start_),
      written_back_(start_),
      last_record_(rules.clock.steady()) {
  if (length_) staged_->expect_length(*length_);
  const std::lock_guard use(upload_->use);
  upload_->writer = this;
}

Writer::~Writer() {
  {
    const std::lock_guard use(upload_->use);
    if (upload_->writer == this) upload_->writer = nullptr;
    if (!settled_) give_up();
  }
}

void Writer::give_up() {
  // Bytes whose checksum was announced but not seen in full cannot be kept.
  if (checksum_ && offset_ > start_)
    roll_back();
  else
    (void)settle();
}

void Writer::take_from_idle(LiveUpload& upload) {
  const std::unique_lock use(upload.use, std::try_to_lock);
  if (!use || upload.writer == nullptr || upload.writer->settled_) return;
  upload.writer->give_up();
  upload.writer->failure_ = Error{Kind::locked, "another request goes on with this upload", {}};
  upload.writer->taken_ = true;
  upload.writer->hold_.release();
}

std::uint64_t Writer::offset() const {
  const std::lock_guard use(upload_->use);
  return offset_;
}

bool Writer::asked_to_stop() const {
  return taken_.load(std::memory_order_relaxed) || upload_->stop.load(std::memory_order_relaxed) != StopReason::none ||
         rules_.stopping.load(std::memory_order_relaxed);
}

Result<void> Writer::check_stop() const {
  if (rules_.stopping.load(std::memory_order_relaxed)) return fail(Kind::unavailable, "the server is stopping");
  switch (upload_->stop.load(std::memory_order_relaxed)) {
    case StopReason::none:
      return {};
    case StopReason::newcomer:
      return fail(Kind::locked, "another request goes on with this upload");
    case StopReason::removed:
      return fail(Kind::gone, "this upload was removed");
    case StopReason::stopping:
      return fail(Kind::unavailable, "the server is stopping");
  }
  return {};
}

Result<void> Writer::claim(std::uint64_t bytes) {
  if (ahead_ < bytes) {
    const std::lock_guard lock(live_->mutex);
    if (upload_->removed) return fail(Kind::gone, "this upload was removed");
    const std::uint64_t needed = bytes - ahead_;
    const std::uint64_t rest = length_ ? *length_ - offset_ - ahead_ : needed;
    const std::uint64_t wanted = std::max(needed, std::min(rest, claimed_at_once));
    std::uint64_t claimed = wanted;
    auto done = rules_.claim(*live_, *upload_, wanted);
    if (!done && wanted > needed) done = rules_.claim(*live_, *upload_, claimed = needed);
    if (!done) return done;
    ahead_ += claimed;
  }
  ahead_ -= bytes;
  return {};
}

// Also what was claimed ahead: nothing more is written.
void Writer::unclaim(std::uint64_t bytes) {
  bytes += std::exchange(ahead_, 0);
  const std::lock_guard lock(live_->mutex);
  if (bytes > 0 && !upload_->removed) rules_.unclaim(*live_, upload_, bytes);
}

Result<void> Writer::write(ByteView bytes) {
  const std::lock_guard use(upload_->use);
  if (failure_) return tl::unexpected(*failure_);
  if (auto stop = check_stop(); !stop) return stop;
  if (bytes.empty()) return {};
  if (length_ && bytes.size() > *length_ - offset_) return fail(Kind::too_large, "more bytes than the upload's length");
  if (live_->row.seal == Seal::require && !upload_->row.partial && !may_be_sealed(offset_, bytes)) return sealed_only();
  if (auto claimed = claim(bytes.size()); !claimed) return claimed;
  if (auto written = staged_->write_at(offset_, bytes); !written) {
    failure_ = written.error();
    unclaim(bytes.size());
    return written;
  }
  // Bytes whose checksum is not known yet may go again, and a running sum cannot go back: they are added when they stay
  // (Rules::sum_up_to reads them), or one wrong byte would cost the reading of all that is there.
  if (checksum_)
    checksum_->running.update(bytes);
  else
    upload_->sum.update(bytes);
  offset_ += bytes.size();
  if (!checksum_) upload_->summed = offset_;
  if (!rules_.policy.relaxed && offset_ - written_back_ >= written_back_every) {
    (void)staged_->start_write_back(written_back_, offset_ - written_back_);
    written_back_ = offset_;
  }
  const Steady now = rules_.clock.steady();
  upload_->progress.store(now, std::memory_order_relaxed);
  if (checksum_) return {};
  upload_->growing->arrived.store(offset_, std::memory_order_release);
  const bool all = length_ && offset_ == *length_;
  if (all || offset_ - shown_ >= shown_every) show_growth();
  if (!all && now - last_record_ >= record_every) return record();
  return {};
}

void Writer::show_growth() {
  shown_ = offset_;
  rules_.events.upload_grew(upload_->row.upload);
  if (!upload_->row.partial) rules_.tick(*live_);
}

Result<void> Writer::record() {
  last_record_ = rules_.clock.steady();
  if (offset_ == recorded_) return {};
  if (auto durable = staged_->make_durable(); !durable) {
    rules_.spoil(*live_, *upload_);
    failure_ = durable.error();
    return durable;
  }
  UploadRow row;
  {
    const std::lock_guard lock(live_->mutex);
    row = upload_->row;
    row.expires = std::min(live_->row.expires, rules_.clock.wall() + rules_.policy.upload_expire);
  }
  row.offset = offset_;
  auto changed = rules_.catalog.change(rules_.durable(), [&](Transaction& transaction) -> Result<void> {
    if (!transaction.advance_upload(row.upload, epoch_, offset_))
      return fail(Kind::conflict, "someone else goes on with this upload");
    transaction.put_upload(row);
    return {};
  });
  if (!changed) {
    failure_ = changed.error();
    return changed;
  }
  recorded_ = offset_;
  const std::lock_guard lock(live_->mutex);
  upload_->row.offset = offset_;
  upload_->row.expires = row.expires;
  return {};
}

void Writer::roll_back() {
  settled_ = true;
  if (!staged_->truncate(start_)) rules_.spoil(*live_, *upload_);
  unclaim(offset_ - start_);
  offset_ = start_;
}

Result<UploadWriter::Finished> Writer::settle() {
  settled_ = true;
  unclaim(0);
  const std::shared_lock gate(live_->gate);
  {
    const std::lock_guard lock(live_->mutex);
    if (upload_->removed) return fail(Kind::gone, "this upload was removed");
    if (live_->row.phase == Phase::dying) return no_such_space();
    if (upload_->row.damaged) return fail(Kind::gone, "the bytes of this upload were lost: begin again");
  }
  upload_->growing->arrived.store(offset_, std::memory_order_release);
  Finished finished{offset_, length_ && offset_ == *length_, std::nullopt};
  if (finished.complete && !upload_->row.partial) {
    if (offset_ > recorded_)
      if (auto durable = staged_->make_bytes_durable(); !durable) {
        rules_.spoil(*live_, *upload_);
        return tl::unexpected(durable.error());
      }
    auto file = rules_.complete(*live_, upload_);
    if (!file) return tl::unexpected(file.error());
    finished.file = std::move(*file);
  } else {
    if (auto recorded = record(); !recorded) return tl::unexpected(recorded.error());
    show_growth();
  }
  return finished;
}

Result<UploadWriter::Finished> Writer::finish() {
  const std::lock_guard use(upload_->use);
  if (settled_ && failure_) return tl::unexpected(*failure_);
  if (settled_) return fail(Kind::conflict, "this request has ended already");
  if (checksum_ && (failure_ || checksum_->running.sum() != checksum_->expected)) {
    roll_back();
    hold_.release();
    if (failure_) return tl::unexpected(*failure_);
    return fail(Kind::integrity, "the checksum differs: the bytes were changed on their way");
  }
  checksum_.reset();
  auto finished = settle();
  hold_.release();
  if (finished && failure_) return tl::unexpected(*failure_);
  return finished;
}

}  // namespace qrx::space
