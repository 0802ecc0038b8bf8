// The moving parts of a connection that its request, its bodies and its answer share: the socket, what was read ahead,
// what is still to be written, what events have told, and the deadline.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "front/deadline.h"
#include "front/server_context.h"
#include "http/socket_stream.h"

namespace qrx::front {

// How a step of a connection ended.
enum class Step : std::uint8_t {
  go_on,    // there is more to do at once
  blocked,  // until an event comes
  yield,    // others wait for a thread: to the end of the queue
  closed,   // the connection ends here
};

// Edge-triggered: an event comes once, and is remembered until a step has used it up. Without EPOLLIN and EPOLLRDHUP,
// while a thread pumps a large body: each packet would wake the event loop.
inline constexpr std::uint32_t usual_events = EPOLLIN | EPOLLRDHUP | EPOLLET;
inline constexpr std::uint32_t quiet_events = EPOLLET;

// 128 KiB for each thread of the pool: no connection owns a buffer. What it holds is used before the step ends.
std::span<std::byte> thread_buffer();

// Only for the thread that runs the connection, but for `deadline`.
struct ConnectionIo {
  ConnectionIo(ServerContext& shared, http::SocketStream connected, std::uint64_t key)
      : context(shared),
        stream(std::move(connected)),
        deadline(shared.timers, shared.wake, key),
        last_moved(steady_now()),
        key_(key) {}

  ServerContext& context;
  http::SocketStream stream;
  Deadline deadline;
  Steady last_moved;  // when a byte of a body or an answer last went either way

  // What events have told, until a step has used it up.
  bool can_read = true;
  bool peer_closed = false;
  bool broken = false;
  bool time_over = false;  // the deadline has passed
  bool woken = false;      // what is waited for may have come

  std::string in;   // bytes read and not yet used: the start of a head, or what came behind one
  std::string out;  // bytes to be written, from out_at on
  std::size_t out_at = 0;

  http::SocketStream::Moved read_some(std::span<std::byte> space);
  Step flush(bool more_follows);  // go_on: everything in `out` is written

  Step block(http::SocketStream::State wanted);           // until the socket can go on
  Step block_or_stall(http::SocketStream::State wanted);  // ... or no byte has moved for stall_time
  // A deadline may be from before the last bytes: a transfer that never had to wait since then did not move it.
  bool has_stalled() const { return steady_now() - last_moved >= context.options.stall_time; }
  // Waits a moment for the socket in this thread, if no other work needs it: cheaper than a way round through epoll.
  bool wait_inline(short events);

  // Which events epoll reports from now on. A system call, when they are others than before.
  void watch(std::uint32_t events);

 private:
  const std::uint64_t key_;  // of its events
  std::uint32_t watched_ = usual_events;
};

}  // namespace qrx::front
