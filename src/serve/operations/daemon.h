// The server put together: data, rules, routes, front, sweeper, outbox.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "notify/courier.h"
#include "serve/log.h"
#include "serve/operations/data.h"
#include "serve/operations/outbox.h"
#include "space/shares.h"
#include "space/spaces.h"
#include "wire/link.h"

namespace qrx::serve {

struct DaemonOptions {
  DataOptions data;
  std::vector<std::string> binds{"127.0.0.1:8460"};
  std::optional<wire::Origin> public_url;
  std::string reachable_host;   // what links name when the server listens on all addresses
  unsigned socket_mode = 0666;  // of Unix sockets
  std::optional<unsigned> socket_group;
  std::uint64_t most_of_one = 0;  // connections of one address; 0: a share of those that there may be
  std::vector<std::string> trusted_proxies;
  std::string tls_cert, tls_key;
  bool create_needs_token = false;
  bool redirect = false;  // downloads may be sent to the S3 store
  std::string token_file;
  std::uint64_t create_rate = 60;
  std::string metrics_bind;   // empty: none
  notify::Settings notices;   // checked; transports and limits of this server, no transport by default
  std::string notify_helper;  // path of qrx-notify
  OutboxOptions outbox;
};

class Daemon {
 public:
  // Takes the data (Kind::locked when another server has it), recovers, listens, starts its threads (Kind::unavailable
  // when the system has none). `log` outlives the daemon.
  static Result<std::unique_ptr<Daemon>> open(const DaemonOptions& options, const Log& log);
  ~Daemon();

  const wire::Origin& base() const;  // where links point

  Result<void> run();  // serves in the calling thread until stop()
  void stop();         // from another thread; running uploads keep what was acknowledged
  void reload();       // certificate, key and create tokens; what is wrong with them is logged and the old ones stay

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::serve
