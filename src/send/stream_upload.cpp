#include "send/stream_upload.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "api/retry.h"
#include "base/running_sums.h"
#include "send/stream_pieces.h"

namespace qrx::send {
namespace {

constexpr unsigned most_conflicts = 3;  // without progress in between

class Stream {
 public:
  Stream(SendJob& job, api::DropClient& client, std::size_t item)
      : job_(job),
        client_(client),
        item_(item),
        index_(job.items.first_source(item)),
        source_(job.list.sources[index_]),
        backoff_(job.backoff()) {}

  Result<void> run(int fd) {
    if (auto opened = open_upload(); !opened) return opened;
    RunningSums plain(job_.options.sha256);
    Xxh128 wire_sum;
    std::uint64_t plain_bytes = 0;
    // On the reading thread; its last call comes before the last piece.
    const auto take_plain = [&](ByteView bytes) {
      plain.update(bytes);
      plain_bytes += bytes.size();
    };
    std::optional<seal::Sealer> sealer;
    if (job_.plan != nullptr) {
      auto made = job_.plan->sealer(item_);
      if (!made) return tl::unexpected(made.error());
      sealer.emplace(std::move(*made));
    }
    StreamPieces pieces(fd, source_.path == "-" ? "standard input" : source_.path,
                        std::max<std::size_t>(job_.options.stream_piece, 1), job_.interrupt, take_plain,
                        std::move(sealer));
    if (auto started = pieces.start(); !started) return started;
    for (bool last = false; !last;) {
      const auto got = pieces.next(piece_);
      if (!got) return tl::unexpected(got.error());
      last = *got;
      // Of what goes over the wire, which for a sealed stream is not what was read.
      wire_sum.update(piece_);
      // Only with the last piece is the length of a stream known; it goes with that piece's PATCH.
      if (last) {
        length_ = base_ + piece_.size();
        job_.tally.length_known(job_.shown(*length_));
      }
      if (auto done = deliver_piece(); !done) return done;
      base_ += piece_.size();
    }
    if (server_sum_ && *server_sum_ != wire_sum.sum())
      return fail(Kind::integrity, "the server received other bytes of " + source_.name + " than were sent");
    const Sums sums = plain.sums();
    job_.finish(item_, SentFile{source_.name, plain_bytes, sums.xxh128, sums.sha256}, wire_sum.sum(), base_);
    return {};
  }

 private:
  Result<void> open_upload() {
    const auto made = api::retry(client_, backoff_, [this] {
      return client_.create_upload(job_.delivery, job_.wire_name(item_), std::nullopt, job_.told_properties(item_));
    });
    if (!made) return tl::unexpected(made.error());
    upload_ = *made;
    backoff_.progress();
    return {};
  }

  // How far the piece is at the server.
  struct Progress {
    std::uint64_t end;     // of the piece
    std::uint64_t offset;  // acknowledged
    std::uint64_t best;    // the greatest that was
    bool length_told;      // or there is none to tell yet
    bool known = true;     // offset is what the server says
  };

  // Until the server has acknowledged the whole piece, and with the last one the length.
  Result<void> deliver_piece() {
    if (piece_.empty() && !length_) return {};
    Progress at{base_ + piece_.size(), base_, base_, !length_};
    return api::retry(
        client_, backoff_, [&] { return send_rest(at); },
        [&](const Error& error, api::Asked) -> Result<api::Next> {
          // After any trouble only the server knows where it is.
          at.known = false;
          const bool may_ask = error.kind == Kind::conflict && conflicts_++ < most_conflicts;
          return may_ask ? api::Next::at_once : api::Next::pause;
        });
  }

  Result<void> send_rest(Progress& at) {
    while (at.offset < at.end || !at.length_told) {
      const bool was_told = at.length_told;
      if (auto step = at.known ? patch(at) : find_offset(at); !step) return step;
      // To have asked for the offset is no progress, or a server that conflicts for ever would be asked for ever.
      if (at.offset > at.best || at.length_told != was_told) {
        at.best = at.offset;
        conflicts_ = 0;
        backoff_.progress();
      }
      at.known = true;
      job_.tally.set(index_, job_.shown(at.offset));
    }
    return {};
  }

  Result<void> patch(Progress& at) {
    const std::uint64_t start = at.offset;
    std::uint64_t next = start - base_;
    const auto reader = [&](std::span<std::byte> space) -> Result<std::size_t> {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(job_.rate.piece(space.size()), piece_.size() - next));
      if (size == 0) return 0;
      std::memcpy(space.data(), piece_.data() + next, size);
      next += size;
      if (!job_.rate.take(size, job_.interrupt)) return fail(Kind::unavailable, "interrupted");
      return size;
    };
    const auto sent = [this, start](std::uint64_t bytes) { job_.tally.set(index_, job_.shown(start + bytes)); };
    const auto patched = client_.patch(upload_, start, at.end - start, reader, sent, length_);
    if (!patched) return tl::unexpected(patched.error());
    // Before the piece, or behind it: neither can be repaired from memory.
    if (patched->offset < start || patched->offset > at.end) return fail(Kind::integrity, "the server lost its place");
    at.offset = patched->offset;
    if (length_) at.length_told = true;
    if (at.offset < at.end) return fail(Kind::unavailable, "the server took only a part");
    server_sum_ = patched->sum;
    return {};
  }

  Result<void> find_offset(Progress& at) {
    const auto there = client_.upload_standing(upload_);
    if (!there) return tl::unexpected(there.error());
    // Those bytes are gone here: the piece that held them was let go when the server acknowledged it.
    if (there->offset < base_ || there->offset > at.end)
      return fail(Kind::integrity, "the server lost bytes that it had acknowledged");
    at.offset = there->offset;
    at.length_told = !length_ || there->length == length_;
    return {};
  }

  SendJob& job_;
  api::DropClient& client_;
  const std::size_t item_;
  const std::size_t index_;  // of its source
  const Source& source_;
  api::Backoff backoff_;
  Id upload_;
  std::vector<std::byte> piece_;  // bytes base_ … of the stream, not yet all acknowledged
  std::uint64_t base_ = 0;
  std::optional<std::uint64_t> length_;
  std::optional<Xxh128Sum> server_sum_;
  unsigned conflicts_ = 0;
};

}  // namespace

Result<void> send_stream(SendJob& job, api::DropClient& client, std::size_t item, int fd) {
  return Stream(job, client, item).run(fd);
}

}  // namespace qrx::send
