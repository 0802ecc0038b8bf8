// What the routes of one server share.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "http/message.h"
#include "serve/body_memory.h"
#include "serve/check_run.h"
#include "serve/content/digests.h"
#include "serve/content/zip_plan.h"
#include "serve/log.h"
#include "serve/rate_limit.h"
#include "serve/status_cache.h"
#include "space/shares.h"
#include "space/spaces.h"
#include "wire/link.h"

namespace qrx::serve {

struct SiteOptions {
  std::string public_authority;  // host and port of --public-url, or empty
  std::string prefix;            // of --public-url
  bool create_needs_token = false;
  bool redirect = false;  // downloads may be sent to the store that has the contents
  // Why this server is of no use now; nothing: it is. Cheap.
  std::function<std::optional<std::string>()> trouble = [] { return std::nullopt; };
  std::uint64_t create_rate = 60;  // spaces a minute and address; 0: no limit
};

// Thread-safe once it serves.
class Site {
 public:
  // wake(topic) is front::Server::wake; it may be called from any thread.
  Site(space::Spaces& spaces, space::Shares& shares, Clock& clock, const Log& log, SiteOptions options,
       std::function<void(const Id&)> wake);

  void set_base(wire::Origin base) { base_ = std::move(base); }  // before serving
  const wire::Origin& base() const { return base_; }
  const SiteOptions& options() const { return options_; }

  void set_create_tokens(std::vector<Sha256Sum> hashes);
  bool is_create_token(std::string_view token) const;

  void count_redirect() { ++redirected_; }
  std::uint64_t redirected() const { return redirected_; }  // downloads that were sent to the store

  // When a request that makes a link shows that a proxy stands before us which we were not told of: said once.
  void warn_of_proxy(const http::Request& request);

  space::Spaces& spaces;
  space::Shares& shares;
  Clock& clock;
  const Log& log;
  StatusCache statuses;
  ZipPlans archives;
  Digests digests;
  RateLimit creations;
  RateLimit guesses;  // wrong tokens and links of one address
  BodyMemory body_memory;
  std::atomic<std::uint64_t> spaces_created{0}, files_received{0};
  const std::function<void(const Id&)> wake;
  CheckRun check;

 private:
  SiteOptions options_;
  wire::Origin base_;
  mutable std::mutex tokens_mutex_;
  std::vector<Sha256Sum> create_tokens_;
  std::atomic<bool> warned_of_proxy_{false};
  std::atomic<std::uint64_t> redirected_{0};
};

}  // namespace qrx::serve
