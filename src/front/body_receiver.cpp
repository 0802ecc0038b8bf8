#include "front/body_receiver.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace qrx::front {
namespace {

using State = http::SocketStream::State;

// After so many bytes a transfer goes to the end of the queue when others wait.
constexpr std::size_t quantum_bytes = 8U << 20;
// ... or when its sink took so long: some bytes cost more than others.
constexpr auto longest_turn = std::chrono::milliseconds(20);
// A run of chunked data from this size on goes to the sink as it lies; smaller ones are put together first.
constexpr std::size_t whole_run_bytes = 32U << 10;
// Bodies above this size tell epoll to be quiet while a thread is pumping.
constexpr std::uint64_t quiet_bytes = 1U << 20;
constexpr auto ask_again = std::chrono::seconds(1);  // a sink that is full, should a wake-up be missing

}  // namespace

BodyReceiver::BodyReceiver(ConnectionIo& io, WaiterList::Waiter& waiter, const http::Request& request)
    : io_(io), waiter_(waiter), length_(request.content_length.value_or(0)), left_(length_), done_(!request.has_body) {
  if (request.has_body && !request.content_length) decoder_.emplace();
}

void BodyReceiver::start(std::unique_ptr<BodySink> sink) {
  sink_ = std::move(sink);
  io_.last_moved = steady_now();
}

// Reads that end where the pieces of the file do let the file system keep it in large pages.
std::span<std::byte> BodyReceiver::space_to_read() const {
  auto space = thread_buffer();
  space = space.first(std::min(space.size(), sink_->most_at_once()));
  if (decoder_) return space;
  const auto into_piece = (length_ - left_) % space.size();
  return space.first(std::min<std::uint64_t>(left_, space.size() - into_piece));
}

Step BodyReceiver::run() {
  if (const Step step = io_.flush(false); step != Step::go_on) return step;
  std::size_t quantum = quantum_bytes;
  const auto begun = steady_now();
  while (!done_) {
    if (const Step step = wait_for_room(); step != Step::go_on) return step;
    std::size_t taken = 0;
    if (!io_.in.empty()) {
      std::string bytes = std::exchange(io_.in, {});
      if (!take(std::as_writable_bytes(std::span(bytes)), taken)) return Step::go_on;
      io_.in = bytes.substr(taken);
      continue;
    }
    // Only when others wait: an upload alone keeps its thread, and its buffer in the cache.
    const bool had_its_turn = quantum == 0 || io_.last_moved - begun > longest_turn;
    if (had_its_turn && io_.context.pool.has_waiting_tasks()) return Step::yield;
    const auto space = space_to_read();
    // This thread reads until the socket is empty anyway. Before it rests, block() asks for events again.
    if (!io_.stream.is_tls() && (decoder_ || left_ > quiet_bytes)) io_.watch(quiet_events);
    const auto moved = io_.read_some(space);
    switch (moved.state) {
      case State::done:
        break;
      case State::want_read:
        // The next packet of a fast upload comes within microseconds.
        if (io_.wait_inline(POLLIN)) continue;
        return io_.block_or_stall(moved.state);
      case State::want_write:
        return io_.block_or_stall(moved.state);
      default:
        return Step::closed;
    }
    quantum -= std::min(quantum, moved.bytes);
    if (!take(space.first(moved.bytes), taken)) return Step::go_on;
    io_.last_moved = steady_now();  // after the sink: a slow disk is not the client's fault
    if (taken < moved.bytes) io_.in.assign(as_text(space.subspan(taken, moved.bytes - taken)));
  }
  ending_ = Ending::complete;
  io_.deadline.clear();
  return Step::go_on;
}

// The sink may have enough: then the topic is taken and it is asked once more, so that no wake-up is lost in between.
Step BodyReceiver::wait_for_room() {
  std::optional<Id> topic;
  for (;;) {
    const auto full = sink_->full();
    if (!full || io_.context.stopping) {  // it has an answer for clients that are cut short
      if (waiter_.is_waiting()) io_.context.waiters.remove(waiter_);
      return Step::go_on;
    }
    if (io_.broken) return Step::closed;
    if (topic == full) break;
    topic = full;  // of several things on their way it may be another one each time
    io_.context.waiters.add(*topic, waiter_);
  }
  io_.last_moved = steady_now();  // not the client's fault
  io_.deadline.set(io_.last_moved + ask_again);
  io_.watch(quiet_events);
  return Step::blocked;
}

bool BodyReceiver::take(std::span<std::byte> bytes, std::size_t& taken) {
  if (decoder_) return take_chunked(bytes, taken);
  taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= taken;
  done_ = left_ == 0;
  return write(bytes.first(taken));
}

// Decoded in place: the framing is taken out by moving the data towards the front, which never goes beyond what was
// taken.
bool BodyReceiver::take_chunked(std::span<std::byte> bytes, std::size_t& taken) {
  std::size_t gathered = 0;  // decoded bytes at the front of `bytes`; never more than were taken
  for (taken = 0; taken < bytes.size();) {
    const auto chunk = decoder_->next(bytes.subspan(taken));
    taken += chunk.taken;
    if (chunk.state == http::ChunkDecoder::State::broken) {
      ending_ = Ending::flawed;
      return false;
    }
    if (chunk.state == http::ChunkDecoder::State::end) {
      done_ = true;
      break;
    }
    if (chunk.data.size() >= whole_run_bytes) {
      if (!write(bytes.first(gathered)) || !write(chunk.data)) return false;
      gathered = 0;
    } else if (!chunk.data.empty()) {
      std::memmove(bytes.data() + gathered, chunk.data.data(), chunk.data.size());
      gathered += chunk.data.size();
    }
  }
  return write(bytes.first(gathered));
}

bool BodyReceiver::write(ByteView bytes) {
  if (bytes.empty()) return true;
  auto written = guarded(
      io_.context, [&] { return sink_->write(bytes); }, Result<void>(tl::unexpected<Error>(threw)));
  if (written) return true;
  error_ = std::move(written.error());
  ending_ = Ending::refused;
  done_ = false;  // wherever it stopped, the rest is not taken
  return false;
}

std::optional<Reply> BodyReceiver::finish() {
  const auto sink = std::move(sink_);
  return guarded(
      io_.context, [&] { return std::optional(sink->finish()); }, std::optional<Reply>());
}

http::Answer BodyReceiver::on_error() {
  auto answer = guarded(
      io_.context, [&] { return sink_->on_error(error_); }, std::optional<http::Answer>());
  if (!answer) answer = io_.context.answer_of(error_, 0);
  abandon();
  return std::move(*answer);
}

void BodyReceiver::abandon() {
  if (sink_ == nullptr) return;
  guarded(io_.context, [this] { sink_->abandon(); });
  guarded(io_.context, [this] { sink_.reset(); });
}

bool BodyReceiver::is_consumed() {
  if (done_) return true;
  if (decoder_) {
    std::size_t taken = 0;
    while (taken < io_.in.size() && !done_) {
      const auto chunk = decoder_->next(as_bytes(std::string_view(io_.in).substr(taken)));
      taken += chunk.taken;
      if (chunk.state == http::ChunkDecoder::State::broken) return false;
      done_ = chunk.state == http::ChunkDecoder::State::end;
    }
    io_.in.erase(0, taken);
  } else {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, io_.in.size()));
    io_.in.erase(0, taken);
    left_ -= taken;
    done_ = left_ == 0;
  }
  return done_;
}

}  // namespace qrx::front
