// What a server is told: where to listen, how long to wait for whom, and whom it asks for answers.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "front/exchange.h"
#include "front/listeners.h"
#include "front/work_queue.h"

namespace qrx::front {

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
  std::size_t most_of_one = 0;       // connections of one address (peer_limits.h); 0: a share of those
  WorkQueueLimits work_queue;        // of long work
  Millis stop_time{8'000};           // how long stop() lets running exchanges go on
};

using Handler = std::function<Reply(std::shared_ptr<const http::Request>)>;
// Makes the answer of an error that has none: front errors (400, 408, 431 …) and failed sinks.
using ErrorAnswer = std::function<http::Answer(const Error&, int status)>;  // status 0: by the error's kind

}  // namespace qrx::front
