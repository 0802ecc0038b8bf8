// Watches a space: each new state of it, by waiting on the server or by asking at an interval.
#pragma once

#include <cstdint>
#include <optional>

#include "api/owner_client.h"
#include "api/retry.h"
#include "base/clock.h"
#include "receive/receive_job.h"

namespace qrx::receive {

// One thread at a time.
class SpaceWatch {
 public:
  explicit SpaceWatch(const ReceiveJob& job);

  // The next state; the first call answers at once, later ones when something changed or after a while with the same
  // state. Rides out trouble for options.retry.give_up. Kind::timed_out when options.timeout has passed without a
  // delivery and nothing is coming in, at most two seconds later, whatever the server does.
  Result<api::SpaceContents> next();
  void delivered();  // the timeout starts anew

 private:
  Result<api::SpaceContents> ask();
  Millis even_pause();
  api::Backoff backoff() const;
  void look_at(const api::SpaceContents& info);

  const ReceiveJob& job_;
  api::OwnerClient client_;
  std::optional<std::uint64_t> seq_;
  bool looked_ = false;  // there was an answer
  std::optional<Steady> deadline_;
  std::uint64_t uploaded_ = 0;  // bytes of all uploads at the last look
  bool troubled_ = false;       // the last request failed
  Steady next_{};               // when a request would be due at the even rate
  bool large_ = false;          // the state is large: do not ask for each small change of it
};

}  // namespace qrx::receive
