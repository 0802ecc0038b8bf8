// A stream of unknown length: pieces in memory until the server has acknowledged them, so that a cut loses nothing.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <system_error>
#include <thread>

#include "api/refusals.h"
#include "send/send_job.h"

namespace qrx::send {
namespace {

constexpr Millis linger{200};           // a piece that is not full goes out after so long
constexpr unsigned most_conflicts = 3;  // without progress in between

// Reads ahead in a thread: one piece fills while the other is sent.
class Pieces {
 public:
  // `plain` is told each byte of the stream, in order; with a sealer, the pieces are those of the sealed stream.
  Pieces(int fd, std::string shown, std::size_t most, const http::Interrupt& interrupt,
         std::function<void(ByteView)> plain, std::optional<seal::Sealer> sealer)
      : fd_(fd), shown_(std::move(shown)), most_(most), interrupt_(interrupt), plain_(std::move(plain)) {
    filling_.reserve(most);
    if (!sealer) return;
    const auto source = [this](std::uint64_t, std::span<std::byte> space) { return read_some(space); };
    sealed_.emplace(std::move(*sealer), source, std::nullopt);
  }
  ~Pieces() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stop_.raise();
    }
    room_.notify_all();
    thread_.join();
  }

  Result<void> start() {
    try {
      thread_ = std::thread([this] { read_all(); });
    } catch (const std::system_error&) {
      return fail(Kind::other, "cannot start a thread");
    }
    return {};
  }

  // Swaps the next piece into `piece`; true when it is the last one (it may be empty).
  Result<bool> next(std::vector<std::byte>& piece) {
    std::unique_lock lock(mutex_);
    const auto full = [this] { return filling_.size() == most_ || ended_; };
    while (filling_.empty() && !ended_) arrived_.wait(lock);
    arrived_.wait_for(lock, linger, full);
    if (error_) return tl::unexpected(*error_);
    piece.clear();
    piece.swap(filling_);
    filling_.reserve(most_);
    const bool last = ended_;
    lock.unlock();
    room_.notify_all();
    return last;
  }

 private:
  void read_all() {
    std::vector<std::byte> buffer(std::min<std::size_t>(most_, 256U << 10));
    for (;;) {
      auto got = sealed_ ? sealed_->read(buffer) : read_some(buffer);
      std::unique_lock lock(mutex_);
      if (!got) error_ = got.error();
      if (!got || *got == 0) ended_ = true;
      for (std::size_t at = 0; got && at < *got;) {
        room_.wait(lock, [this] { return filling_.size() < most_ || stop_.raised(); });
        if (stop_.raised()) return;
        const std::size_t size = std::min(*got - at, most_ - filling_.size());
        filling_.insert(filling_.end(), buffer.data() + at, buffer.data() + at + size);
        at += size;
        arrived_.notify_all();
      }
      arrived_.notify_all();
      if (ended_) return;
    }
  }

  Result<std::size_t> read_some(std::span<std::byte> space) {
    for (;;) {
      std::array<pollfd, 3> waits{{{fd_, POLLIN, 0}, {interrupt_.fd(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
      const int ready = ::poll(waits.data(), waits.size(), -1);
      if (interrupt_.raised() || stop_.raised()) return fail(Kind::unavailable, "interrupted");
      if (ready < 0 && errno != EINTR) return fail_errno("cannot wait for " + shown_);
      if (waits[0].revents == 0) continue;
      const ssize_t got = ::read(fd_, space.data(), space.size());
      if (got >= 0) {
        plain_(space.first(static_cast<std::size_t>(got)));
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR && errno != EAGAIN) return fail_errno("cannot read " + shown_);
    }
  }

  int fd_;
  const std::string shown_;
  std::size_t most_;
  const http::Interrupt& interrupt_;
  http::Interrupt stop_;
  std::mutex mutex_;
  std::condition_variable arrived_, room_;
  std::vector<std::byte> filling_;
  bool ended_ = false;
  std::optional<Error> error_;
  std::function<void(ByteView)> plain_;
  std::optional<seal::SealedReader> sealed_;
  std::thread thread_;
};

class Stream {
 public:
  Stream(SendJob& job, api::DropClient& client, std::size_t index)
      : job_(job), client_(client), index_(index), source_(job.list.sources[index]), patience_(job.patience()) {}

  Result<void> run(int fd) {
    if (auto opened = open_upload(); !opened) return opened;
    std::optional<Sha256> sha;
    if (job_.options.sha256) sha.emplace();
    Xxh128 xxh128, wire_sum;
    std::uint64_t plain_bytes = 0;
    // On the reading thread; its last call comes before the last piece.
    const auto take_plain = [&](ByteView bytes) {
      xxh128.update(bytes);
      if (sha) sha->update(bytes);
      plain_bytes += bytes.size();
    };
    std::optional<seal::Sealer> sealer;
    if (job_.plan != nullptr) {
      auto made = job_.plan->sealer(index_);
      if (!made) return tl::unexpected(made.error());
      sealer.emplace(std::move(*made));
    }
    Pieces pieces(fd, source_.path == "-" ? "standard input" : source_.path,
                  std::max<std::size_t>(job_.options.stream_piece, 1), job_.interrupt, take_plain, std::move(sealer));
    if (auto started = pieces.start(); !started) return started;
    for (bool last = false; !last;) {
      const auto got = pieces.next(piece_);
      if (!got) return tl::unexpected(got.error());
      last = *got;
      wire_sum.update(piece_);
      if (last) {
        length_ = base_ + piece_.size();
        job_.tally.length_known(job_.shown(*length_));
      }
      if (auto done = deliver_piece(); !done) return done;
      base_ += piece_.size();
    }
    SentFile sent{source_.name, plain_bytes, xxh128.sum(), std::nullopt};
    if (sha) sent.sha256 = sha->sum();
    if (server_sum_ && *server_sum_ != wire_sum.sum())
      return fail(Kind::integrity, "the server received other bytes of " + source_.name + " than were sent");
    job_.finish(index_, std::move(sent), wire_sum.sum(), base_);
    return {};
  }

 private:
  Result<void> open_upload() {
    for (;;) {
      const auto made = client_.create_upload(job_.delivery, job_.wire_name(index_), std::nullopt);
      if (made) {
        upload_ = *made;
        patience_.progress();
        return {};
      }
      const auto asked = client_.asked_pause();
      client_.close();
      if (auto go_on = patience_.wait(made.error(), asked); !go_on) return go_on;
    }
  }

  // Until the server has acknowledged the whole piece, and with the last one the length.
  Result<void> deliver_piece() {
    if (piece_.empty() && !length_) return {};
    const std::uint64_t end = base_ + piece_.size();
    std::uint64_t offset = base_, best = base_;
    bool at_known = true, length_told = !length_;
    while (offset < end || !length_told) {
      const bool was_told = length_told;
      Result<void> step;
      if (!at_known)
        step = find_offset(offset, end, length_told);
      else
        step = patch(offset, end, length_told);
      if (step) {
        // To have asked for the offset is no progress, or a server that conflicts for ever would be asked for ever.
        if (offset > best || length_told != was_told) {
          best = offset;
          conflicts_ = 0;
          patience_.progress();
        }
        at_known = true;
        job_.tally.set(index_, job_.shown(offset));
        continue;
      }
      at_known = false;
      const auto asked = client_.asked_pause();
      client_.close();
      if (step.error().kind == Kind::conflict && conflicts_++ < most_conflicts) continue;
      if (auto go_on = patience_.wait(step.error(), asked); !go_on) return go_on;
    }
    return {};
  }

  Result<void> patch(std::uint64_t& offset, std::uint64_t end, bool& length_told) {
    const std::uint64_t start = offset;
    std::uint64_t at = start - base_;
    const auto reader = [&](std::span<std::byte> space) -> Result<std::size_t> {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(job_.pace.piece(space.size()), piece_.size() - at));
      if (size == 0) return 0;
      std::memcpy(space.data(), piece_.data() + at, size);
      at += size;
      if (!job_.pace.take(size, job_.interrupt)) return fail(Kind::unavailable, "interrupted");
      return size;
    };
    const auto sent = [this, start](std::uint64_t bytes) { job_.tally.set(index_, job_.shown(start + bytes)); };
    const auto patched = client_.patch(upload_, start, end - start, reader, sent, length_);
    if (!patched) return tl::unexpected(patched.error());
    if (patched->offset < start || patched->offset > end) return fail(Kind::integrity, "the server lost its place");
    offset = patched->offset;
    if (length_) length_told = true;
    if (offset < end) return fail(Kind::unavailable, "the server took only a part");
    server_sum_ = patched->sum;
    return {};
  }

  Result<void> find_offset(std::uint64_t& offset, std::uint64_t end, bool& length_told) {
    const auto there = client_.upload_standing(upload_);
    if (!there) return tl::unexpected(there.error());
    if (there->offset < base_ || there->offset > end)
      return fail(Kind::integrity, "the server lost bytes that it had acknowledged");
    offset = there->offset;
    length_told = !length_ || there->length == length_;
    return {};
  }

  SendJob& job_;
  api::DropClient& client_;
  std::size_t index_;
  const Source& source_;
  api::Patience patience_;
  Id upload_;
  std::vector<std::byte> piece_;  // bytes base_ … of the stream, not yet all acknowledged
  std::uint64_t base_ = 0;
  std::optional<std::uint64_t> length_;
  std::optional<Xxh128Sum> server_sum_;
  unsigned conflicts_ = 0;
};

}  // namespace

Result<void> send_stream(SendJob& job, api::DropClient& client, std::size_t index, int fd) {
  return Stream(job, client, index).run(fd);
}

}  // namespace qrx::send
