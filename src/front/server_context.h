// What all connections of a server share.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "front/large_answers.h"
#include "front/peer_limits.h"
#include "front/pool.h"
#include "front/proxies.h"
#include "front/server_options.h"
#include "front/timers.h"
#include "front/waiters.h"
#include "front/work_queue.h"

namespace qrx::front {

class Connection;

// Thread-safe but for what bind() sets before anything runs: epoll, trusted, and the limits of peers.
struct ServerContext {
  ServerContext(const ServerOptions& server_options, Handler request_handler, ErrorAnswer error_function,
                std::function<void()> wake_loop);

  const ServerOptions& options;
  const Handler handler;
  const ErrorAnswer error_answer;
  const std::function<void()> wake;  // the event loop looks at timers and pool again; async-signal-safe
  int epoll = -1;
  ProxyList trusted;
  WaiterList waiters;
  PeerLimits peers;
  LargeAnswers large;
  Timers timers;
  Pool pool;
  WorkQueue work_queue;
  std::atomic<bool> stopping{false};  // no new requests; waits end
  std::atomic<bool> cutting{false};   // everything ends now
  std::atomic<unsigned> inline_polls{0};
  std::atomic<std::uint64_t> connections{0}, requests{0}, bytes_in{0}, bytes_out{0};

  // In a catch block: what the exception says goes to options.failed. Never throws.
  void tell_exception() const noexcept;

  // The answer to an error, by error_answer; plain when that throws.
  http::Answer answer_of(const Error& error, int status) const;

  // Connections that have ended; the event loop frees them, because it may hold events of theirs.
  void retire(Connection& connection);
  std::vector<Connection*> take_ended();

 private:
  std::mutex ended_mutex_;
  std::vector<Connection*> ended_;
};

// Runs a function of the routes; what it throws is told and becomes `otherwise`. Exceptions do not cross this border.
template <class F, class R>
R guarded(const ServerContext& context, F&& function, R otherwise) {
  try {
    return function();
  } catch (...) {
    context.tell_exception();
    return otherwise;
  }
}

template <class F>
void guarded(const ServerContext& context, F&& function) {
  try {
    function();
  } catch (...) {
    context.tell_exception();
  }
}

inline const Error threw{Kind::other, "something went wrong in the server", ""};

inline Steady steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace qrx::front
