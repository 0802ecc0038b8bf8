#include "front/body_sender.h"

#include <algorithm>
#include <utility>

#include "http/chunked.h"

namespace qrx::front {
namespace {

using State = http::SocketStream::State;

// After so many bytes a transfer goes to the end of the queue when others wait.
constexpr std::size_t quantum_bytes = 8U << 20;
constexpr auto ask_again = std::chrono::seconds(1);  // a source that is pending, should a wake-up be missing
// The kernel tells nobody when data were acknowledged: it is asked at growing intervals, from 1 ms on.
constexpr Millis longest_ask_pause{100};

}  // namespace

BodySender::BodySender(ConnectionIo& io, WaiterList::Waiter& waiter, std::unique_ptr<BodySource> source,
                       std::optional<std::uint64_t> length, bool chunked)
    : io_(io), waiter_(waiter), source_(std::move(source)), left_(length), chunked_(chunked) {
  io_.last_moved = steady_now();
}

BodySender::~BodySender() {
  if (completed_ || source_ == nullptr || !wants_acknowledgement()) return;
  const std::uint64_t never_sent = unsent();
  // What is queued must not go out after it was told that it does not.
  io_.stream.reset();
  guarded(io_.context, [&] { source_->broken_off(never_sent); });
}

// At least so many: a client is never taken to have less than it may have.
std::uint64_t BodySender::unsent() const {
  std::uint64_t bytes = io_.stream.unsent();
  if (file_) bytes += file_->size;
  if (piece_in_out_) bytes += io_.out.size() - io_.out_at;
  if (!io_.stream.is_tls()) return bytes;
  // Records are longer than what is in them, and OpenSSL may have sent a part of one that still counts as not written.
  constexpr std::uint64_t record_bytes = 17U << 10;
  bytes -= bytes / 8;
  return bytes - std::min(bytes, record_bytes);
}

Step BodySender::run() {
  if (io_.broken) return Step::closed;
  std::size_t quantum = quantum_bytes;
  for (;;) {
    // A head, or the framing of chunks, goes out together with the piece that follows.
    if (!file_ && !ended_ && !piece_in_out_) {
      const Step step = next_piece();
      if (step != Step::go_on) return step;
      continue;
    }
    const std::size_t size = io_.out.size() - io_.out_at;
    if (const Step step = io_.flush(file_.has_value()); step != Step::go_on) return step;
    quantum -= std::min(quantum, size);
    piece_in_out_ = false;
    if (file_) {
      if (const Step step = send_file_piece(quantum); step != Step::go_on) return step;
    } else if (ended_) {
      break;
    }
    if (quantum == 0 && io_.context.pool.has_waiting_tasks()) return Step::yield;
  }
  io_.deadline.clear();
  return Step::go_on;
}

Step BodySender::send_file_piece(std::size_t& quantum) {
  auto& piece = *file_;
  if (quantum == 0) quantum = quantum_bytes;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size, quantum));
  const auto moved = io_.stream.send_file(piece.fd, piece.offset, want);
  switch (moved.state) {
    case State::done:
      break;
    case State::want_read:
    case State::want_write:
      return io_.block_or_stall(moved.state);
    default:
      return break_off();
  }
  io_.last_moved = steady_now();
  io_.context.bytes_out.fetch_add(moved.bytes, std::memory_order_relaxed);
  quantum -= std::min(quantum, moved.bytes);
  piece.offset += moved.bytes;
  piece.size -= moved.bytes;
  if (piece.size == 0) {
    file_.reset();
    if (chunked_) io_.out += "\r\n";
  }
  return Step::go_on;
}

Step BodySender::next_piece() {
  auto next = guarded(
      io_.context, [&] { return source_->next(); }, BodySource::Next(BodySource::Broken{}));
  if (auto* pending = std::get_if<BodySource::Pending>(&next)) return wait_for(pending->topic);
  io_.context.waiters.remove(waiter_);
  pending_ = false;
  io_.deadline.clear();

  std::uint64_t size = 0;
  if (auto* file = std::get_if<BodySource::FilePiece>(&next)) {
    size = file->size;
    if (size == 0) return Step::go_on;
    file_ = *file;
  } else if (auto* memory = std::get_if<BodySource::MemoryPiece>(&next)) {
    size = memory->bytes.size();
    if (size == 0) return Step::go_on;  // a chunk of no bytes would be the last
  } else if (std::holds_alternative<BodySource::End>(next)) {
    if (left_.value_or(0) > 0) return break_off();
    ended_ = true;
    if (chunked_) io_.out += http::last_chunk;
    return Step::go_on;
  } else {
    return break_off();
  }
  if (left_) {
    // More than was announced: the client would read the rest as the next answer.
    if (size > *left_) return break_off();
    *left_ -= size;
  }
  io_.last_moved = steady_now();
  if (chunked_) io_.out += http::chunk_head(size);
  if (auto* memory = std::get_if<BodySource::MemoryPiece>(&next)) {
    if (io_.out.empty())
      io_.out = std::move(memory->bytes);
    else
      io_.out += memory->bytes;
    if (chunked_) io_.out += "\r\n";
    piece_in_out_ = true;
  }
  return Step::go_on;
}

// The source has nothing now. What there is goes out first; then the topic is taken, and the source asked once more,
// so that no wake-up is lost in between.
Step BodySender::wait_for(const Id& topic) {
  if (const Step step = io_.flush(false); step != Step::go_on) return step;
  if (!waiter_.is_waiting()) {
    io_.context.waiters.add(topic, waiter_);
    return Step::go_on;
  }
  if (io_.peer_closed) return Step::closed;
  pending_ = true;
  io_.deadline.set(steady_now() + ask_again);
  io_.watch(usual_events);
  return Step::blocked;
}

// Ends the connection so that the client sees that the body is not whole.
Step BodySender::break_off() {
  // With a length or chunks a mere close shows that something is missing. Where the close is the end, only a reset
  // does.
  const bool ends_by_close = !left_ && !chunked_;
  if (ends_by_close) io_.stream.reset();
  return Step::closed;
}

bool BodySender::wants_acknowledgement() {
  return guarded(
      io_.context, [&] { return source_->wants_acknowledgement(); }, false);
}

// What is in the socket buffer is not with the client yet: a download counts when its kernel has acknowledged the last
// byte.
Step BodySender::await_acknowledgement() {
  const auto waiting = io_.stream.unacknowledged();
  if (!waiting || io_.stream.take_error() || (io_.broken && *waiting > 0)) return Step::closed;
  if (*waiting == 0) {
    completed_ = true;
    guarded(io_.context, [&] { source_->completed(); });
    return Step::go_on;
  }
  const auto now = steady_now();
  if (now - io_.last_moved > io_.context.options.stall_time) return Step::closed;
  io_.deadline.set(now + ask_pause_);
  ask_pause_ = std::min(ask_pause_ * 2, longest_ask_pause);
  io_.watch(usual_events);
  return Step::blocked;
}

}  // namespace qrx::front
