// The outbox: sends the notices that shares have queued, in threads of its own. Each is claimed durably before it is
// sent, and what became of it is recorded after; after a crash in between it is unknown, and nobody is told twice.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "notify/courier.h"
#include "notify/notice.h"
#include "serve/log.h"
#include "space/shares.h"
#include "wire/link.h"

namespace qrx::serve {

struct OutboxOptions {
  unsigned threads = 6;
  unsigned at_once_by_transport = 2;  // so that one transport in trouble does not hold the others up
  Millis first_retry{30'000};         // then twice as long each time, half as long or longer by chance
  Millis longest_retry{3600'000};
  Millis stop_time{5000};  // how long the end waits for what is being sent
};

// The limits that a configuration sets; what it does not say stays as it is by default.
space::SharePolicy policy_of(const notify::Settings& settings);

class Outbox {
 public:
  // One way of sending, used by one thread.
  struct Sender {
    std::function<notify::Outcome(const notify::Notice&)> send;  // may take minutes
    // From another thread: what is being sent ends soon, its fate unknown. May be empty.
    std::function<void()> interrupt;
  };

  // `make` is called once for each thread, here. Throws std::system_error when there is no thread to be had at all;
  // with fewer than asked for it goes on. The rest outlives it. `base` is where links lead.
  Outbox(space::Shares& shares, wire::Origin base, Clock& clock, const Log& log, const std::function<Sender()>& make,
         OutboxOptions options);
  ~Outbox();

  // Nothing new is sent, and the end will wait until stop_time from now, no longer. Any thread.
  void begin_stop();

  void wake();  // there may be a notice; any thread

  // When a notice is tried again that was tried `attempts` times. Pure but for chance.
  static Millis pause(std::uint64_t attempts, std::optional<Seconds> retry_after, const OutboxOptions& options);

 private:
  void run(const Sender& sender);
  std::optional<space::Shares::Next> claim(std::uint64_t& seen);  // nothing: it stops
  void release(const std::string& transport);
  std::string busy_transports() const;  // as Shares::claim takes them; mutex_ held
  void send(const Sender& sender, const space::Shares::Claim& claim);
  void look_after();

  space::Shares& shares_;
  const wire::Origin base_;
  Clock& clock_;
  const Log& log_;
  const OutboxOptions options_;
  std::vector<Sender> senders_;

  std::mutex claim_mutex_;  // one thread claims at a time; taken before mutex_
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point stop_at_{};
  std::uint64_t wakes_ = 0;
  unsigned sending_ = 0;
  std::map<std::string, unsigned> busy_;  // by transport
  Steady looked_after_{};
  std::vector<std::thread> threads_;
};

}  // namespace qrx::serve
