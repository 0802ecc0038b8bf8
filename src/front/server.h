// The front: listens, reads heads under deadlines, checks framing, renders answers, moves bodies, keeps those that
// wait.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "front/server_options.h"
#include "wire/id.h"

namespace qrx::front {

class Server {
 public:
  // The handler and the error function are called from many threads at once.
  Server(ServerOptions options, Handler handler, ErrorAnswer error_answer);
  ~Server();

  // Opens all endpoints. After it, addresses() tells the ports that were picked.
  Result<void> bind();
  // "127.0.0.1:8460", "unix:/path"; in the order of the endpoints
  std::vector<std::string> addresses() const;

  // Starts the threads. Kind::unavailable: the system has not even the least number of them. run() does it, unless it
  // was done before: whoever announces that it serves knows it first.
  Result<void> start();
  // Serves until stop(). Runs the event loop in the calling thread.
  Result<void> run();

  // Async-signal-safe and callable from any thread: no new connections; idle and waiting ones end (waiters get their
  // time_over answer); running bodies get stop_time, then are abandoned; then run() returns.
  void stop();

  // Reads the certificate and key again; running connections keep the old one. Any thread.
  Result<void> reload_tls();

  // Wakes the waits and pending sources of a topic. Any thread, any time, cheap when nobody waits. Never blocks on a
  // handler.
  void wake(const Id& topic);
  void wake_all();  // of every topic

  struct Counts {
    std::uint64_t connections, waiting, threads, requests, bytes_in, bytes_out;
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::front
