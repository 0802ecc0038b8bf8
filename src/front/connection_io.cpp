#include "front/connection_io.h"

#include <poll.h>

#include <memory>

namespace qrx::front {
namespace {

using State = http::SocketStream::State;

constexpr int inline_wait_ms = 5;
constexpr unsigned most_inline_waits = 2;  // threads of all that may wait so

}  // namespace

std::span<std::byte> thread_buffer() {
  constexpr std::size_t size = 128U << 10;  // what is read is hashed and written from there: more leaves the L2 cache
  thread_local const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  return {buffer.get(), size};
}

http::SocketStream::Moved ConnectionIo::read_some(std::span<std::byte> space) {
  const auto moved = stream.read(space);
  if (moved.state == State::done) {
    context.bytes_in.fetch_add(moved.bytes, std::memory_order_relaxed);
    // A short read has emptied the socket; the next byte makes a new event. An end that was told already does not.
    if (moved.bytes < space.size() && !stream.is_tls() && !peer_closed) can_read = false;
  }
  return moved;
}

Step ConnectionIo::flush(bool more_follows) {
  while (out_at < out.size()) {
    const auto moved = stream.write(as_bytes(std::string_view(out).substr(out_at)), more_follows);
    switch (moved.state) {
      case State::done:
        break;
      case State::want_read:
      case State::want_write:
        return block_or_stall(moved.state);
      default:
        return Step::closed;
    }
    out_at += moved.bytes;
    context.bytes_out.fetch_add(moved.bytes, std::memory_order_relaxed);
    // The clock is read only when there is more to come.
    if (out_at < out.size()) last_moved = steady_now();
  }
  out.clear();
  out_at = 0;
  return Step::go_on;
}

Step ConnectionIo::block(State wanted) {
  if (wanted == State::want_write) {
    watch(usual_events | EPOLLOUT);
  } else {
    can_read = false;
    watch(usual_events);
  }
  return Step::blocked;
}

Step ConnectionIo::block_or_stall(State wanted) {
  deadline.set(last_moved + context.options.stall_time);
  return block(wanted);
}

void ConnectionIo::watch(std::uint32_t events) {
  if (events == watched_) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_;
  // MOD reports what is ready already, as a new edge: nothing that came before it is missed.
  if (::epoll_ctl(context.epoll, EPOLL_CTL_MOD, stream.fd(), &event) == 0) watched_ = events;
}

bool ConnectionIo::wait_inline(short events) {
  // Only while another thread is idle: waiting here must not cost anybody a turn.
  if (context.pool.idle() == 0 || context.pool.has_waiting_tasks() || context.stopping) return false;
  if (context.inline_polls.fetch_add(1) >= most_inline_waits) {
    context.inline_polls.fetch_sub(1);
    return false;
  }
  pollfd ready{stream.fd(), events, 0};
  const int count = ::poll(&ready, 1, inline_wait_ms);
  context.inline_polls.fetch_sub(1);
  return count > 0;
}

}  // namespace qrx::front
