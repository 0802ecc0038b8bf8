#include "send/large_file.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "api/retry.h"
#include "base/running_sums.h"
#include "send/sealed_source.h"
#include "send/source_file.h"

namespace qrx::send {
namespace {

// Without progress in between. A server may forget an upload, or have another offset than this side thinks, but not
// each time.
constexpr unsigned most_uploads = 3;
constexpr unsigned most_conflicts = 3;

class LargeFile {
 public:
  LargeFile(SendJob& job, api::DropClient& client, std::size_t item)
      : job_(job),
        client_(client),
        item_(item),
        index_(job.items.first_source(item)),
        source_(job.list.sources[index_]),
        size_(job.wire_size(item)),
        backoff_(job.backoff()),
        // Of a sealed file the plain bytes have sums of their own.
        sums_(job.options.sha256 && job.plan == nullptr) {
    if (job.state != nullptr) job.uploads[index_] = job.state->upload(index_);
  }

  Result<void> run() {
    auto file = SourceFile::open(source_, job_.plan != nullptr);
    if (!file) return tl::unexpected(file.error());
    file_ = &*file;
    if (job_.plan != nullptr) {
      auto sealer = job_.plan->sealer(item_);
      if (!sealer) return tl::unexpected(sealer.error());
      sealed_.emplace(std::move(*sealer), *file, *source_.size, job_.options.sha256);
    }
    // Each attempt asks for the offset first: after trouble only the server knows how much of what was sent it has.
    const auto sent = api::retry(
        client_, backoff_, [this] { return send_rest(); },
        [this](const Error& error, api::Asked) { return after_trouble(error); });
    if (!sent) return sent;
    // At the end once more: a file that was written to while it was read is in no state that ever was.
    if (auto same = file->check_unchanged(); !same) return same;
    return finish();
  }

 private:
  // From where the server is to the end of the file.
  Result<void> send_rest() {
    // What is read once more is sealed once more: only the same bytes may be.
    if (sealed_)
      if (auto same = file_->check_unchanged(); !same) return same;
    auto step = find_offset();
    for (;;) {
      if (!step) return step;
      if (offset_ > best_) {
        best_ = offset_;
        backoff_.progress();
        uploads_ = conflicts_ = 0;  // bounded without progress only: a long upload loses many answers
      }
      if (offset_ == size_) return {};
      step = patch();
    }
  }

  // Where the server is: opens the upload, or asks for its offset. Then our sums stand there too.
  Result<void> find_offset() {
    auto& upload = job_.uploads[index_];
    if (!upload) {
      const auto made = client_.create_upload(job_.delivery, job_.wire_name(item_), size_, job_.told_properties(item_));
      if (!made) return tl::unexpected(made.error());
      upload = *made;
      ++uploads_;
      offset_ = 0;
      // Without the state only a second run is worse off.
      if (job_.state != nullptr)
        if (const auto kept = job_.state->remember(index_, *upload); !kept) job_.tally.notice(kept.error().what);
    } else {
      const auto there = client_.upload_standing(*upload);
      if (!there) return tl::unexpected(there.error());
      // Somebody else writes to this upload, or it is of another file.
      if (there->offset > size_)
        return fail(Kind::integrity, "the server has more of " + source_.name + " than there is");
      offset_ = there->offset;
    }
    job_.tally.set(index_, job_.shown(offset_));
    return sum_up_to(offset_);
  }

  Result<void> sum_up_to(std::uint64_t offset) {
    // The server lost what it had not made durable: sums cannot go backwards, so they start again.
    if (summed_ > offset) {
      sums_.reset();
      summed_ = 0;
      if (sealed_) sealed_->seek(0);
    }
    std::vector<std::byte> buffer(summed_ < offset ? 256U << 10 : 0);
    while (summed_ < offset) {
      if (job_.interrupt.raised()) return fail(Kind::unavailable, "interrupted");
      const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), offset - summed_));
      const auto got = read_and_sum(std::span(buffer).first(most));
      if (!got) return tl::unexpected(got.error());
    }
    return {};
  }

  Result<std::size_t> read_and_sum(std::span<std::byte> space) {
    const auto got = sealed_ ? sealed_->read(space) : file_->read_at(summed_, space);
    if (!got) return got;
    if (*got == 0) return became_shorter(source_);
    sums_.update(space.first(*got));
    summed_ += *got;
    return got;
  }

  Result<void> patch() {
    const std::uint64_t start = offset_;
    const auto reader = [this](std::span<std::byte> space) -> Result<std::size_t> {
      const std::size_t most = job_.rate.piece(space.size());
      const auto got = read_and_sum(space.first(most));
      // Read, but not sent: the error ends the PATCH, and the server keeps what came before.
      if (got && !job_.rate.take(*got, job_.interrupt)) return fail(Kind::unavailable, "interrupted");
      return got;
    };
    const auto sent = [this, start](std::uint64_t bytes) { job_.tally.set(index_, job_.shown(start + bytes)); };
    const auto patched = client_.patch(*job_.uploads[index_], start, size_ - start, reader, sent);
    if (!patched) return tl::unexpected(patched.error());
    // summed_ is what was read for this PATCH: at any other offset the sums would not be those of what the server has.
    if (patched->offset < start || patched->offset > size_ || patched->offset != summed_) {
      // It took less than was sent; ask where it stands.
      return fail(Kind::unavailable, "the server took only a part");
    }
    offset_ = patched->offset;
    server_sum_ = patched->sum;
    return {};
  }

  Result<api::Next> after_trouble(const Error& error) {
    // Several in a row: this side and the server do not agree at all.
    if (error.kind == Kind::conflict && conflicts_++ < most_conflicts)
      return api::Next::at_once;  // an answer was lost: ask for the offset
    if (error.kind != Kind::not_found || !job_.uploads[index_] || uploads_ >= most_uploads) return api::Next::pause;
    // The upload is gone; is the delivery there?
    // When that is gone as well, wait() gives the error back, and the caller looks for what is lost (send/losses.h).
    if (const auto delivery = client_.delivery(job_.delivery); !delivery) {
      if (auto go_on = backoff_.wait(delivery.error(), client_.asked_pause()); !go_on)
        return tl::unexpected(go_on.error());
    } else {
      job_.uploads[index_].reset();
    }
    return api::Next::at_once;
  }

  Result<void> finish() {
    const Sums sums = sums_.sums();
    const Sums plain = sealed_ ? sealed_->finish() : sums;
    // A lost answer leaves no sum here; that of the whole delivery is compared at the commit.
    if (server_sum_ && *server_sum_ != sums.xxh128)
      return fail(Kind::integrity, "the server received other bytes of " + source_.name + " than were sent");
    job_.finish(item_, SentFile{source_.name, *source_.size, plain.xxh128, plain.sha256}, sums.xxh128, size_);
    return {};
  }

  SendJob& job_;
  api::DropClient& client_;
  const std::size_t item_;
  const std::size_t index_;  // of its source
  const Source& source_;
  const std::uint64_t size_;  // on the wire
  SourceFile* file_ = nullptr;
  api::Backoff backoff_;
  unsigned uploads_ = 0, conflicts_ = 0;
  std::uint64_t offset_ = 0;  // acknowledged
  std::uint64_t best_ = 0;    // the greatest that was
  std::uint64_t summed_ = 0;  // our sums stand here
  RunningSums sums_;          // of what is sent
  std::optional<SealedSource> sealed_;
  std::optional<Xxh128Sum> server_sum_;
};

}  // namespace

Result<void> send_large_file(SendJob& job, api::DropClient& client, std::size_t item) {
  return LargeFile(job, client, item).run();
}

}  // namespace qrx::send
