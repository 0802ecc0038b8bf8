// One client's connection: from the handshake through its requests, one after the other, to the close.
//
// It is an actor. Events (readable, writable, time, wake, stop) are posted to it from any thread; it runs on the pool
// by one thread at a time, as far as it gets without waiting for the network, and then holds no thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "front/answering.h"
#include "front/connection_io.h"
#include "front/peer_limits.h"
#include "front/pool.h"
#include "front/server_context.h"
#include "front/waiters.h"
#include "http/framing.h"

namespace qrx::front {

class Connection final : public Pool::Task, private WaiterList::Waiter {
 public:
  enum Signal : std::uint32_t {
    readable = 1,
    writable = 2,
    peer_closed = 4,
    broken = 8,
    time = 16,
    wake = 32,
    stop = 64,
    evict = 128,
    scheduled = 1U << 31  // on the pool, or ended for good
  };

  Connection(ServerContext& context, http::SocketStream stream, std::uint64_t key, std::string peer, bool control,
             PeerLimits::Hold share);
  ~Connection();

  // Any thread. Notes the signals; true when the caller has to submit the connection to the pool.
  bool note(std::uint32_t signals);
  void post(std::uint32_t signals);

  // The event loop, only.
  std::uint64_t key() const { return key_; }  // for epoll and timers
  // When it came to rest between requests, in steady nanoseconds; 0: it is not at rest.
  std::int64_t resting_since() const { return resting_since_.load(std::memory_order_relaxed); }
  bool timer_fired(Steady now) { return io_.deadline.timer_fired(now); }  // true: its time has come, note(time)
  void start_deadline();                                                  // of the first head, from now

  void run() override;  // the pool's threads

 private:
  enum class Phase : std::uint8_t { handshake, head, answering, writing, lingering };

  void woken() override { post(wake); }

  void take(std::uint32_t signals);
  Step run_steps();
  Step step();
  bool ends_by_time();
  Step handshake();
  Step read_head();
  Step rest();
  Step begin_request(std::string_view head);
  Step after_answering();
  Step refuse(int status, const std::string& what);
  Step write_out();
  Step after_exchange();
  Step start_linger();
  Step linger();
  void end_answering();

  ServerContext& context_;
  const std::uint64_t key_;
  std::atomic<std::uint32_t> signals_{0};
  std::atomic<std::int64_t> resting_since_{0};
  ConnectionIo io_;

  // Below: only the thread that runs it.
  Phase phase_;
  bool evicted_ = false;
  bool fresh_ = true;  // no request yet
  bool head_started_ = false;
  bool close_after_ = false;
  bool linger_after_ = false;
  const bool is_control_;
  const std::string peer_;
  const PeerLimits::Hold share_;
  std::size_t linger_left_ = 0;
  http::HeadScanner scanner_;
  std::unique_ptr<Answering> answering_;
  unsigned answered_in_turn_ = 0;  // requests, since it was last run
};

}  // namespace qrx::front
