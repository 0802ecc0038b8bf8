#include "space/writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "space/content_type.h"

namespace qrx::space {
namespace {

constexpr std::uint64_t shown_every = 256U << 10;
// Early write-back keeps the sync at the end short: 8 MiB are about 10 ms of a fast disk.
constexpr std::uint64_t written_back_every = 8U << 20;
// How much a slow upload may lose when the server is killed.
constexpr auto record_every = Millis(2000);
// Asking the quotas takes locks: not for each piece that the network brings.
constexpr std::uint64_t reserved_at_once = 1U << 20;

}  // namespace

Writer::Writer(const WriterParts& parts, LivePtr live, UploadLock hold, std::unique_ptr<Staged> staged,
               std::optional<Checksum> checksum)
    : parts_(parts),
      live_(std::move(live)),
      upload_(hold.upload()),
      hold_(std::move(hold)),
      staged_(std::move(staged)),
      checksum_(std::move(checksum)),
      start_(upload_->row.offset),
      length_(upload_->row.length),
      offset_(start_),
      recorded_(start_),
      shown_(start_),
      written_back_(start_),
      last_record_(parts.context.clock.steady()) {
  if (length_) staged_->expect_length(*length_);
  const std::lock_guard use(upload_->use);
  upload_->writer = this;
}

Writer::~Writer() {
  const std::lock_guard use(upload_->use);  // let go before `hold_`, as the order of locks wants it
  if (upload_->writer == this) upload_->writer = nullptr;
  if (!ended_) give_up();
}

void Writer::give_up() {
  // Bytes whose checksum was announced but not seen in full cannot be kept.
  if (checksum_ && offset_ > start_)
    roll_back();
  else
    (void)keep();
}

void Writer::give_way() {
  if (ended_) return;
  give_up();
  failure_ = Error{Kind::locked, "another request is continuing this upload", {}};
  taken_ = true;
  hold_.unlock();
}

std::uint64_t Writer::offset() const {
  const std::lock_guard use(upload_->use);
  return offset_;
}

bool Writer::asked_to_stop() const {
  return taken_.load(std::memory_order_relaxed) || upload_->stop.load(std::memory_order_relaxed) != StopReason::none ||
         parts_.context.stopping.load(std::memory_order_relaxed);
}

Result<void> Writer::check_stop() const {
  if (parts_.context.stopping.load(std::memory_order_relaxed)) return fail(Kind::unavailable, "server shutting down");
  switch (upload_->stop.load(std::memory_order_relaxed)) {
    case StopReason::none:
      return {};
    case StopReason::newcomer:
      return fail(Kind::locked, "another request is continuing this upload");
    case StopReason::removed:
      return fail(Kind::gone, "this upload was removed");
    case StopReason::stopping:
      return fail(Kind::unavailable, "server shutting down");
  }
  return {};
}

Result<void> Writer::reserve(std::uint64_t bytes) {
  if (ahead_ < bytes) {
    const SpaceLock lock(*live_);
    if (upload_->removed) return fail(Kind::gone, "this upload was removed");
    const std::uint64_t needed = bytes - ahead_;
    const std::uint64_t rest = length_ ? *length_ - offset_ - ahead_ : needed;
    const std::uint64_t wanted = std::max(needed, std::min(rest, reserved_at_once));
    std::uint64_t reserved = wanted;
    auto done = parts_.quotas.reserve(lock, *live_, *upload_, wanted);
    if (!done && wanted > needed) done = parts_.quotas.reserve(lock, *live_, *upload_, reserved = needed);
    if (!done) return done;
    ahead_ += reserved;
  }
  ahead_ -= bytes;
  return {};
}

// Also what was reserved ahead: nothing more is written.
void Writer::unreserve(std::uint64_t bytes) {
  bytes += std::exchange(ahead_, 0);
  const SpaceLock lock(*live_);
  if (bytes > 0 && !upload_->removed) parts_.quotas.unreserve(lock, *live_, upload_, bytes);
}

Result<void> Writer::write(ByteView bytes) {
  const std::lock_guard use(upload_->use);
  if (failure_) return tl::unexpected(*failure_);
  if (auto stop = check_stop(); !stop) return stop;
  if (bytes.empty()) return {};
  if (length_ && bytes.size() > *length_ - offset_) return fail(Kind::too_large, "more bytes than the upload's length");
  if (live_->row.seal == Seal::require && !upload_->row.partial && !may_be_sealed(offset_, bytes)) return sealed_only();
  if (auto reserved = reserve(bytes.size()); !reserved) return reserved;
  if (auto written = staged_->write_at(offset_, bytes); !written) {
    failure_ = written.error();
    unreserve(bytes.size());
    return written;
  }
  // Bytes whose checksum is not known yet may go again, and a running sum cannot go back: they are added when they stay
  // (Completion::sum_up_to reads them), or one wrong byte would cost the reading of all that is there.
  if (checksum_)
    checksum_->running.update(bytes);
  else
    upload_->sum.update(bytes);
  offset_ += bytes.size();
  if (!checksum_) upload_->summed.store(offset_, std::memory_order_relaxed);
  if (offset_ - written_back_ >= written_back_every) {
    if (auto started = staged_->start_write_back(written_back_, offset_ - written_back_); !started) {
      failure_ = started.error();
      return started;
    }
    written_back_ = offset_;
  }
  const Steady now = parts_.context.clock.steady();
  upload_->progress.store(now, std::memory_order_relaxed);
  if (checksum_) return {};
  upload_->growing->arrived.store(offset_, std::memory_order_release);
  const bool all = length_ && offset_ == *length_;
  if (all || offset_ - shown_ >= shown_every) show_growth();
  if (!all && now - last_record_ >= record_every) return record(false);
  return {};
}

void Writer::show_growth() {
  shown_ = offset_;
  parts_.context.events.upload_grew(upload_->row.upload);
  if (!upload_->row.partial) parts_.versions.progress(*live_);
}

Result<void> Writer::let_go() {
  if (!parts_.context.policy.shared) return {};
  UploadRow row;
  {
    const SpaceLock lock(*live_);
    row = upload_->row;
  }
  row.holder = {};
  const bool keeps_spare = upload_->former != BlobKey();
  bool ours = true;
  // Should it fail, the next writer takes a blob of its own.
  (void)parts_.context.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    const auto now = transaction.upload(row.upload);
    ours = now && now->epoch == row.epoch;
    if (ours && !keeps_spare) transaction.change_upload(row);
    return {};
  });
  return ours ? Result<void>() : fail(Kind::conflict, "someone else is continuing this upload");
}

// What is durable by now: all, when it is the last time. What it is made of waits for its row.
Result<std::uint64_t> Writer::make_durable(bool last) {
  const auto keep_all = [this]() -> Result<Staged::Kept> {
    auto extents = staged_->make_durable();
    if (!extents) return tl::unexpected(extents.error());
    return Staged::Kept{offset_, std::move(*extents)};
  };
  auto kept = last ? keep_all() : staged_->keep_some(offset_);
  if (!kept) {
    lose(kept.error());
    return tl::unexpected(kept.error());
  }
  for (Extent& extent : kept->extents) upload_->unnamed.push_back(std::move(extent));
  return kept->end;
}

// Nothing more can be kept. Of a file, nobody knows what is there of it; of objects, what the row tells stands.
void Writer::lose(const Error& error) {
  if (!parts_.context.blobs.in_objects()) parts_.completion.mark_corrupt(*live_, *upload_);
  failure_ = error;
}

Result<void> Writer::record(bool last) {
  last_record_ = parts_.context.clock.steady();
  if (offset_ == recorded_) return last ? let_go() : Result<void>();
  const auto durable = make_durable(last);
  if (!durable) return tl::unexpected(durable.error());
  const std::uint64_t offset = *durable;
  if (offset == recorded_) return {};
  UploadRow row;
  {
    const SpaceLock lock(*live_);
    row = upload_->row;
    row.expires = std::min(live_->row.expires, parts_.context.clock.wall() + parts_.context.policy.upload_expire);
  }
  if (last) row.holder = {};
  const BlobKey former = upload_->former;
  SpaceChange change;
  change.more.bytes = offset - row.offset;
  if (row.offset == 0) change.more.weight = weight_of(row);
  std::optional<SpaceHead> head;
  auto changed =
      parts_.context.catalog.change(parts_.context.durability(), [&](Transaction& transaction) -> Result<void> {
        if (!transaction.advance_upload(row, offset))
          return fail(Kind::conflict, "someone else is continuing this upload");
        transaction.put_extents(row.blob, upload_->unnamed);
        if (former != BlobKey()) transaction.discard(former);
        return parts_.versions.advance(*live_, transaction, head, change);
      });
  if (!changed) {
    failure_ = changed.error();
    return changed;
  }
  recorded_ = offset;
  upload_->unnamed.clear();
  {
    const SpaceLock lock(*live_);
    upload_->row.offset = offset;
    upload_->row.expires = row.expires;
    upload_->row.holder = row.holder;
    upload_->former = {};
  }
  parts_.versions.publish(*live_, head);
  return {};
}

void Writer::roll_back() {
  ended_ = true;
  if (!staged_->truncate(start_)) parts_.completion.mark_corrupt(*live_, *upload_);
  unreserve(offset_ - start_);
  offset_ = start_;
}

// Of objects, what was not recorded is gone, and counts no more. Files have it still, for the next writer.
void Writer::forget_unkept() {
  if (!parts_.context.blobs.in_objects() || offset_ == recorded_) return;
  unreserve(offset_ - recorded_);
  upload_->unnamed.clear();
  offset_ = recorded_;
  upload_->growing->arrived.store(offset_, std::memory_order_release);
}

Result<UploadWriter::Finished> Writer::keep() {
  ended_ = true;
  unreserve(0);
  const SharedGate gate(*live_);
  {
    const SpaceLock lock(*live_);
    if (upload_->removed && upload_->stop == StopReason::newcomer)
      return fail(Kind::conflict, "someone else is continuing this upload");
    if (upload_->removed) return fail(Kind::gone, "this upload was removed");
    if (live_->row.phase == Phase::dying) return no_such_space();
    if (upload_->row.damaged) return fail(Kind::gone, "the bytes of this upload were lost: start over");
  }
  upload_->growing->arrived.store(offset_, std::memory_order_release);
  Finished finished{offset_, length_ && offset_ == *length_, std::nullopt};
  if (finished.complete && !upload_->row.partial) {
    if (offset_ > recorded_) {
      auto durable = staged_->make_bytes_durable();
      if (!durable) {
        lose(durable.error());
        forget_unkept();
        return tl::unexpected(durable.error());
      }
      for (Extent& extent : *durable) upload_->unnamed.push_back(std::move(extent));
    }
    auto file = parts_.completion.complete(gate, *live_, hold_);
    if (!file) {
      if (!upload_->removed) forget_unkept();
      return tl::unexpected(file.error());
    }
    finished.file = std::move(*file);
  } else {
    if (auto recorded = record(true); !recorded) {
      forget_unkept();
      return tl::unexpected(recorded.error());
    }
    show_growth();
  }
  if (finished.complete && upload_->row.partial) {
    // It stays until its whole is put together, but is not unfinished.
    const SpaceLock lock(*live_);
    upload_->begun.reset();
  }
  return finished;
}

std::optional<Id> Writer::begin_finish() {
  const std::lock_guard use(upload_->use);
  if (ended_ || failure_ || offset_ == recorded_) return std::nullopt;
  if (checksum_ && checksum_->running.sum() != checksum_->expected) return std::nullopt;
  return staged_->begin_durable();
}

Result<UploadWriter::Finished> Writer::finish() {
  const std::lock_guard use(upload_->use);
  if (ended_ && failure_) return tl::unexpected(*failure_);
  if (ended_) return fail(Kind::conflict, "this request has ended already");
  if (checksum_ && (failure_ || checksum_->running.sum() != checksum_->expected)) {
    roll_back();
    hold_.unlock();
    if (failure_) return tl::unexpected(*failure_);
    return fail(Kind::integrity, "the checksum differs: the bytes were changed on their way");
  }
  checksum_.reset();
  auto finished = keep();
  hold_.unlock();
  if (finished && failure_) return tl::unexpected(*failure_);
  return finished;
}

}  // namespace qrx::space
