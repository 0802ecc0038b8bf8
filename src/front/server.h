// The front: listens, reads heads under deadlines, checks framing, renders answers, moves bodies, parks waiters.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "front/exchange.h"
#include "front/lane.h"

namespace qrx::front {

// Where to listen: "HOST:PORT", "[::1]:PORT", ":PORT" (all addresses), "PORT" (127.0.0.1), "unix:PATH"; port 0 picks
// a free one.
struct Endpoint {
  std::string address;
  bool control = false;                // Unix sockets only: requests get Request::control
  bool plain = false;                  // no TLS even if there is a certificate (Unix sockets never have TLS)
  unsigned mode = 0666;                // of a Unix socket that is not for control: a proxy often runs as another user
  std::optional<unsigned> group = {};  // of its file
};

struct ServerOptions {
  std::vector<Endpoint> endpoints;
  bool take_systemd_sockets = true;  // LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)); they replace the TCP endpoints
  std::string tls_cert;              // PEM files; empty: plain http
  std::string tls_key;
  std::vector<std::string> trusted_proxies;  // CIDR; their X-Forwarded-For names the peer (right-most untrusted entry)

  // Told what an exception said that ended an exchange. Any thread.
  std::function<void(const std::string& what)> failed;

  std::size_t most_head_bytes = 16384;
  std::size_t most_headers = 64;
  std::size_t most_line_bytes = 8192;  // request line
  Millis head_time{10'000};            // total, from the first byte (from accept on a new connection) to the blank line
  Millis idle_time{75'000};            // between requests
  Millis stall_time{60'000};           // no byte moved in a body, either way
  unsigned least_threads = 4;
  unsigned most_threads = 26;        // only the disk blocks one: slow and waiting clients cost none
  std::size_t most_connections = 0;  // with running transfers; 0: by RLIMIT_NOFILE less a reserve
  std::size_t most_of_one = 0;       // connections of one address (peer_shares.h); 0: a share of those
  LaneLimits lane;                   // of long work
  Millis stop_time{8'000};           // how long stop() lets running exchanges go on
};

using Handler = std::function<Reply(std::shared_ptr<const http::Request>)>;
// Makes the answer of an error that has none: front errors (400, 408, 431 …) and failed sinks.
using ErrorAnswer = std::function<http::Answer(const Error&, int status)>;  // status 0: by the error's kind

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
  void notify(const Id& topic);

  struct Counts {
    std::uint64_t connections, waiting, threads, requests, bytes_in, bytes_out;
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::front
