// What the routes of one server share, and the way of a request to its route.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "front/exchange.h"
#include "serve/content/digests.h"
#include "serve/content/zip_plan.h"
#include "serve/log.h"
#include "serve/problems.h"
#include "serve/rate_limit.h"
#include "serve/status_cache.h"
#include "space/shares.h"
#include "space/spaces.h"
#include "wire/link.h"
#include "wire/resource.h"

namespace qrx::serve {

struct SiteOptions {
  std::string public_authority;  // host and port of --public-url, or empty
  std::string prefix;            // of --public-url
  bool create_needs_token = false;
  std::function<bool()> ready = [] { return true; };  // whether this server is of use; cheap
  std::uint64_t create_rate = 60;                     // spaces a minute and address; 0: no limit
};

struct Call;

// Thread-safe once it serves.
class Site {
 public:
  // wake(topic) is front::Server::wake; it may be called from any thread.
  Site(space::Spaces& spaces, space::Shares& shares, Clock& clock, const Log& log, SiteOptions options,
       std::function<void(const Id&)> wake);
  ~Site();

  front::Reply handle(std::shared_ptr<const http::Request> request);
  http::Answer error_answer(const Error& error, int status) const;

  void set_base(Origin base) { base_ = std::move(base); }  // before serving
  const Origin& base() const { return base_; }
  const SiteOptions& options() const { return options_; }

  void set_create_tokens(std::vector<Sha256Sum> hashes);
  bool is_create_token(std::string_view token) const;

  // When a request that makes a link shows that a proxy stands before us which we were not told of: said once.
  void warn_of_proxy(const http::Request& request);

  // Runs `work` in a thread of its own; false when the work before it has not ended.
  bool run_check(std::function<void()> work);
  void await_check();  // for the end: before the front goes that it wakes

  space::Spaces& spaces;
  space::Shares& shares;
  Clock& clock;
  const Log& log;
  StatusCache statuses;
  ZipPlans archives;
  Digests digests;
  RateLimit creations;
  RateLimit guesses;  // wrong tokens and links of one address
  std::atomic<std::uint64_t> spaces_created{0}, files_received{0};
  const std::function<void(const Id&)> wake;
  const Id check_topic = Id::random();  // woken when a check has said something, and every few seconds

 private:
  std::string next_request_id();
  front::Reply route(const std::shared_ptr<Call>& call);

  SiteOptions options_;
  Origin base_;
  mutable std::mutex tokens_mutex_;
  std::vector<Sha256Sum> create_tokens_;
  std::atomic<std::uint64_t> next_request_;
  std::atomic<bool> warned_of_proxy_{false};
  std::mutex check_mutex_;
  std::atomic<bool> checking_{false};
  std::thread check_;
};

// One request on its way through a route.
struct Call {
  Site& site;
  std::shared_ptr<const http::Request> request;
  wire::Target target;
  Asker asker;

  // Counts wrong tokens and links: when there were too many from this address, the answer is 429.
  http::Answer problem(const Error& error, int status = 0) const;
  http::Answer wrong_token(const Error& error) const;
  http::Answer problem(int status, std::string_view detail) const { return serve::problem(asker, status, detail); }
  std::string_view header(std::string_view name) const { return request->header(name).value_or(std::string_view()); }
};
using SharedCall = std::shared_ptr<const Call>;

}  // namespace qrx::serve
