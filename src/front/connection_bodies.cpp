// The part of a connection that moves bodies: into sinks, and out of sources.
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "front/connection.h"
#include "front/exchange_state.h"

namespace qrx::front {
namespace {

// After so many bytes a transfer goes to the end of the queue when others wait.
constexpr std::size_t quantum_bytes = 8U << 20;
// ... or when its sink took so long: some bytes cost more than others.
constexpr auto longest_turn = std::chrono::milliseconds(20);
// A run of chunked data from this size on goes to the sink as it lies; smaller ones are put together first.
constexpr std::size_t whole_run_bytes = 32U << 10;
// Bodies above this size tell epoll to be quiet while a thread is pumping: each packet would wake the event loop.
constexpr std::uint64_t quiet_bytes = 1U << 20;
constexpr int inline_wait_ms = 5;
constexpr unsigned most_inline_waits = 2;
constexpr auto ask_again = std::chrono::seconds(1);  // a source that is pending, should a notice be missing
constexpr Millis longest_settle_pause{100};

}  // namespace

// The functions that feed a sink may end in an answer instead: then the phase is no longer `receiving`.

// Waits a moment for the socket in this thread, if no other work needs it: cheaper than a way round through epoll.
bool Connection::wait_inline(short events) {
  if (front_.pool.idle() == 0 || front_.pool.has_waiting_tasks() || front_.stopping) return false;
  if (front_.inline_polls.fetch_add(1) >= most_inline_waits) {
    front_.inline_polls.fetch_sub(1);
    return false;
  }
  pollfd ready{transport_.fd(), events, 0};
  const int count = ::poll(&ready, 1, inline_wait_ms);
  front_.inline_polls.fetch_sub(1);
  return count > 0;
}

Connection::Step Connection::start_receive(std::unique_ptr<BodySink> sink) {
  auto& exchange = *exchange_;
  exchange.sink = std::move(sink);
  if (!take_share()) {
    abandon_sink();
    return refuse_for_now();
  }
  if (exchange.expects_continue && !exchange.body_done && in_.empty()) out_ = "HTTP/1.1 100 Continue\r\n\r\n";
  exchange.expects_continue = false;
  phase_ = Phase::receiving;
  last_moved_ = steady_now();
  return Step::go_on;
}

Connection::Step Connection::receive() {
  if (const Step step = flush(false); step != Step::go_on) return step;
  auto& exchange = *exchange_;
  std::size_t quantum = quantum_bytes;
  const auto begun = steady_now();
  while (!exchange.body_done) {
    std::size_t taken = 0;
    if (!in_.empty()) {
      std::string bytes = std::exchange(in_, {});
      const Step step = take_body(std::as_writable_bytes(std::span(bytes)), taken);
      if (step != Step::go_on || phase_ != Phase::receiving) return step;  // it was answered already
      in_ = bytes.substr(taken);
      continue;
    }
    const bool had_its_turn = quantum == 0 || last_moved_ - begun > longest_turn;
    if (had_its_turn && front_.pool.has_waiting_tasks()) return Step::yield;
    auto space = thread_buffer();
    space = space.first(std::min(space.size(), exchange.sink->most_at_once()));
    const bool chunked = exchange.decoder != nullptr;
    if (!chunked) {
      // Reads that end where the pieces of the file do let the file system keep it in large pages.
      const auto into_piece = (exchange.request->content_length.value_or(0) - exchange.body_left) % space.size();
      space = space.first(std::min<std::uint64_t>(exchange.body_left, space.size() - into_piece));
    }
    if (!transport_.is_tls() && (chunked || exchange.body_left > quiet_bytes)) watch(EPOLLET);
    const auto moved = read_some(space);
    switch (moved.state) {
      case http::Transport::State::done:
        break;
      case http::Transport::State::want_read:
        if (wait_inline(POLLIN)) continue;
        [[fallthrough]];
      case http::Transport::State::want_write:
        set_deadline(last_moved_ + front_.options.stall_time);
        return block(moved.state);
      default:
        return Step::closed;
    }
    quantum -= std::min(quantum, moved.bytes);
    const Step step = take_body(space.first(moved.bytes), taken);
    if (step != Step::go_on || phase_ != Phase::receiving) return step;
    last_moved_ = steady_now();  // after the sink: a slow disk is not the client's fault
    if (taken < moved.bytes) in_.assign(as_text(space.subspan(taken, moved.bytes - taken)));
  }
  return finish_body();
}

Connection::Step Connection::take_body(std::span<std::byte> bytes, std::size_t& taken) {
  auto& exchange = *exchange_;
  if (exchange.decoder != nullptr) return take_chunked(bytes, taken);
  taken = static_cast<std::size_t>(std::min<std::uint64_t>(exchange.body_left, bytes.size()));
  exchange.body_left -= taken;
  exchange.body_done = exchange.body_left == 0;
  return write_to_sink(bytes.first(taken));
}

Connection::Step Connection::take_chunked(std::span<std::byte> bytes, std::size_t& taken) {
  auto& exchange = *exchange_;
  std::size_t gathered = 0;  // decoded bytes at the front of `bytes`; never more than were taken
  for (taken = 0; taken < bytes.size();) {
    const auto chunk = exchange.decoder->next(bytes.subspan(taken));
    taken += chunk.taken;
    if (chunk.state == http::ChunkDecoder::State::broken) return refuse_body(exchange.decoder->flaw());
    if (chunk.state == http::ChunkDecoder::State::end) {
      exchange.body_done = true;
      break;
    }
    if (chunk.data.size() >= whole_run_bytes) {
      for (const ByteView run : {ByteView(bytes.first(gathered)), chunk.data}) {
        const Step step = write_to_sink(run);
        if (step != Step::go_on || phase_ != Phase::receiving) return step;
      }
      gathered = 0;
    } else if (!chunk.data.empty()) {
      std::memmove(bytes.data() + gathered, chunk.data.data(), chunk.data.size());
      gathered += chunk.data.size();
    }
  }
  return write_to_sink(bytes.first(gathered));
}

Connection::Step Connection::write_to_sink(ByteView bytes) {
  if (bytes.empty()) return Step::go_on;
  auto& sink = *exchange_->sink;
  const auto written = guarded(
      front_, [&] { return sink.write(bytes); }, Result<void>(tl::unexpected<Error>(threw)));
  if (written) return Step::go_on;
  auto answer = guarded(
      front_, [&] { return sink.on_error(written.error()); }, std::optional<http::Answer>());
  if (!answer) answer = error_answer(written.error(), 0);
  abandon_sink();
  answer->close = true;
  exchange_->body_done = false;  // wherever it stopped, the rest is not taken
  exchange_->keep_alive = false;
  linger_after_ = true;
  return start_answer(*answer);
}

Connection::Step Connection::refuse_body(const http::Flaw& flaw) {
  abandon_sink();
  return refuse(flaw.status, flaw.what);
}

void Connection::abandon_sink() {
  if (exchange_ == nullptr || exchange_->sink == nullptr) return;
  guarded(front_, [this] { exchange_->sink->abandon(); });
  guarded(front_, [this] { exchange_->sink.reset(); });
}

Connection::Step Connection::finish_body() {
  clear_deadline();
  const auto sink = std::move(exchange_->sink);
  auto reply = guarded(
      front_, [&] { return std::optional(sink->finish()); }, std::optional<Reply>());
  return reply ? start_reply(std::move(*reply)) : start_answer(error_answer(threw, 500));
}

// Whether nothing of the body is left to be read. What has come already is dropped.
bool Connection::body_is_consumed() {
  auto& exchange = *exchange_;
  if (exchange.body_done) return true;
  if (exchange.decoder != nullptr) {
    std::size_t taken = 0;
    while (taken < in_.size() && !exchange.body_done) {
      const auto chunk = exchange.decoder->next(as_bytes(std::string_view(in_).substr(taken)));
      taken += chunk.taken;
      if (chunk.state == http::ChunkDecoder::State::broken) return false;
      exchange.body_done = chunk.state == http::ChunkDecoder::State::end;
    }
    in_.erase(0, taken);
  } else {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(exchange.body_left, in_.size()));
    in_.erase(0, taken);
    exchange.body_left -= taken;
    exchange.body_done = exchange.body_left == 0;
  }
  return exchange.body_done;
}

Connection::Step Connection::start_send(Send send) {
  auto& exchange = *exchange_;
  const auto& method = exchange.request->method;
  if (send.source != nullptr && !take_share()) return refuse_for_now();
  const bool no_body = method == "HEAD" || send.head.status == 204 || send.head.status == 304 || send.source == nullptr;
  exchange.chunked = !send.length && !exchange.http_1_0;
  const bool until_close = !send.length && exchange.http_1_0 && !no_body;
  const bool close = closes_after(send.head.close || until_close);
  auto bytes = http::render_head(send.head, {send.length, exchange.chunked}, persistence(close));
  if (no_body) return write_response(std::move(bytes), close);

  out_ = std::move(bytes);
  close_after_ = close;
  exchange.left = send.length;
  exchange.source = std::move(send.source);
  phase_ = Phase::sending;
  last_moved_ = steady_now();
  return Step::go_on;
}

Connection::Step Connection::send_body() {
  auto& exchange = *exchange_;
  if (broken_) return Step::closed;
  std::size_t quantum = quantum_bytes;
  for (;;) {
    // A head, or the framing of chunks, goes out together with the piece that follows.
    if (!exchange.file && !exchange.ended && !exchange.piece_in_out) {
      const Step step = next_piece();
      if (step != Step::go_on) return step;
      continue;
    }
    const std::size_t size = out_.size() - out_at_;
    if (const Step step = flush(exchange.file.has_value()); step != Step::go_on) return step;
    quantum -= std::min(quantum, size);
    exchange.piece_in_out = false;
    if (exchange.file) {
      if (const Step step = send_file_piece(quantum); step != Step::go_on) return step;
    } else if (exchange.ended) {
      break;
    }
    if (quantum == 0 && front_.pool.has_waiting_tasks()) return Step::yield;
  }
  clear_deadline();
  if (!guarded(
          front_, [&] { return exchange.source->wants_receipt(); }, false))
    return after_exchange();
  if (close_after_) transport_.shutdown_write();
  phase_ = Phase::settling;
  return Step::go_on;
}

Connection::Step Connection::send_file_piece(std::size_t& quantum) {
  auto& exchange = *exchange_;
  auto& piece = *exchange.file;
  if (quantum == 0) quantum = quantum_bytes;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size, quantum));
  const auto moved = transport_.send_file(piece.fd, piece.offset, want);
  switch (moved.state) {
    case http::Transport::State::done:
      break;
    case http::Transport::State::want_read:
    case http::Transport::State::want_write:
      set_deadline(last_moved_ + front_.options.stall_time);
      return block(moved.state);
    default:
      return break_off();
  }
  last_moved_ = steady_now();
  front_.bytes_out.fetch_add(moved.bytes, std::memory_order_relaxed);
  quantum -= std::min(quantum, moved.bytes);
  piece.offset += moved.bytes;
  piece.size -= moved.bytes;
  if (piece.size == 0) {
    exchange.file.reset();
    if (exchange.chunked) out_ += "\r\n";
  }
  return Step::go_on;
}

Connection::Step Connection::next_piece() {
  auto& exchange = *exchange_;
  auto next = guarded(
      front_, [&] { return exchange.source->next(); }, BodySource::Next(BodySource::Broken{}));
  if (auto* pending = std::get_if<BodySource::Pending>(&next)) return source_pending(pending->topic);
  front_.parking.remove(*this);
  exchange.pending = false;
  clear_deadline();

  std::uint64_t size = 0;
  if (auto* file = std::get_if<BodySource::FilePiece>(&next)) {
    size = file->size;
    if (size == 0) return Step::go_on;
    exchange.file = *file;
  } else if (auto* memory = std::get_if<BodySource::MemoryPiece>(&next)) {
    size = memory->bytes.size();
    if (size == 0) return Step::go_on;  // a chunk of no bytes would be the last
  } else if (std::holds_alternative<BodySource::End>(next)) {
    if (exchange.left.value_or(0) > 0) return break_off();
    exchange.ended = true;
    if (exchange.chunked) out_ += http::last_chunk;
    return Step::go_on;
  } else {
    return break_off();
  }
  if (exchange.left) {
    if (size > *exchange.left) return break_off();
    *exchange.left -= size;
  }
  last_moved_ = steady_now();
  if (exchange.chunked) out_ += http::chunk_head(size);
  if (auto* memory = std::get_if<BodySource::MemoryPiece>(&next)) {
    out_ += memory->bytes;
    if (exchange.chunked) out_ += "\r\n";
    exchange.piece_in_out = true;
  }
  return Step::go_on;
}

// The source has nothing now. What there is goes out first; then the topic is taken, and the source asked once more,
// so that no notice is lost in between.
Connection::Step Connection::source_pending(const Id& topic) {
  auto& exchange = *exchange_;
  if (const Step step = flush(false); step != Step::go_on) return step;
  if (!is_parked()) {
    front_.parking.add(topic, *this);
    return Step::go_on;
  }
  if (peer_closed_) return Step::closed;
  exchange.pending = true;
  set_deadline(steady_now() + ask_again);
  watch(EPOLLIN | EPOLLRDHUP | EPOLLET);
  return Step::blocked;
}

// Ends the connection so that the client sees that the body is not whole.
Connection::Step Connection::break_off() {
  const bool ends_by_close = !exchange_->left && !exchange_->chunked;
  if (ends_by_close) transport_.reset();
  return Step::closed;
}

// The last byte was handed to the socket: it counts as taken when the client's side has acknowledged it.
Connection::Step Connection::settle() {
  auto& exchange = *exchange_;
  const auto waiting = transport_.unacknowledged();
  if (!waiting || (broken_ && *waiting > 0)) return Step::closed;
  if (*waiting == 0) {
    guarded(front_, [&] { exchange.source->completed(); });
    return after_exchange();
  }
  const auto now = steady_now();
  if (now - last_moved_ > front_.options.stall_time) return Step::closed;
  set_deadline(now + exchange.settle_pause);
  exchange.settle_pause = std::min(exchange.settle_pause * 2, longest_settle_pause);
  watch(EPOLLIN | EPOLLRDHUP | EPOLLET);
  return Step::blocked;
}

}  // namespace qrx::front
