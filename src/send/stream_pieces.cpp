#include "send/stream_pieces.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/clock.h"
#include "base/thrown.h"

namespace qrx::send {
namespace {

// A stream that trickles (a log, a terminal) is seen at the other end soon, and yet not a request for each line.
constexpr Millis linger{200};  // a piece that is not full goes out after so long

}  // namespace

StreamPieces::StreamPieces(int fd, std::string shown, std::size_t most, const http::Interrupt& interrupt,
                           std::function<void(ByteView)> plain, std::optional<seal::Sealer> sealer)
    : fd_(fd), shown_(std::move(shown)), most_(most), interrupt_(interrupt), plain_(std::move(plain)) {
  filling_.reserve(most);
  if (!sealer) return;
  const auto source = [this](std::uint64_t, std::span<std::byte> space) { return read_some(space); };
  sealed_.emplace(std::move(*sealer), source, std::nullopt);
}

StreamPieces::~StreamPieces() {
  if (!thread_.joinable()) return;
  {
    // With the mutex: the reading thread is then either before its check of stop_, or waiting in room_.
    const std::lock_guard lock(mutex_);
    stop_.raise();
  }
  room_.notify_all();
  thread_.join();
}

Result<void> StreamPieces::start() {
  try {
    thread_ = std::thread([this] {
      auto read = catching([this] { read_all(); });
      if (read) return;
      const std::lock_guard lock(mutex_);
      // What is thrown is told as any other error: next() would otherwise wait for ever.
      error_ = std::move(read.error());
      ended_ = true;
      arrived_.notify_all();
    });
  } catch (const std::system_error&) {
    return fail(Kind::other, "cannot start a thread");
  }
  return {};
}

Result<bool> StreamPieces::next(std::vector<std::byte>& piece) {
  std::unique_lock lock(mutex_);
  const auto full = [this] { return filling_.size() == most_ || ended_; };
  while (filling_.empty() && !ended_) arrived_.wait(lock);
  arrived_.wait_for(lock, linger, full);
  if (error_) return tl::unexpected(*error_);
  piece.clear();
  // Swapped, not copied: the reader fills the old buffer while this piece goes out.
  piece.swap(filling_);
  filling_.reserve(most_);
  const bool last = ended_;
  lock.unlock();
  room_.notify_all();
  return last;
}

void StreamPieces::read_all() {
  std::vector<std::byte> buffer(std::min<std::size_t>(most_, 256U << 10));
  for (;;) {
    // Without the mutex: this is what takes long.
    auto got = sealed_ ? sealed_->read(buffer) : read_some(buffer);
    std::unique_lock lock(mutex_);
    if (!got) error_ = got.error();
    if (!got || *got == 0) ended_ = true;
    for (std::size_t at = 0; got && at < *got;) {
      // No room while the last piece is not yet taken: memory stays at two pieces, and the writer of the pipe is slowed
      // down.
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

Result<std::size_t> StreamPieces::read_some(std::span<std::byte> space) {
  for (;;) {
    // Three ways to wake up: bytes, the user's interrupt, the destructor.
    std::array<pollfd, 3> waits{{{fd_, POLLIN, 0}, {interrupt_.fd(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), -1);
    // Checked first: a stream that never pauses must be stoppable.
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

}  // namespace qrx::send
