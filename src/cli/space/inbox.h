// An inbox (qrx-recv --inbox NAME): a kept space with a name. Each run that names it goes on with it, and makes it last
// longer while it runs; one run at a time.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/space/kept_spaces.h"
#include "cli/space/opened_space.h"
#include "cli/user_messages.h"

namespace qrx::cli {

// How long it lasts after its last use, as far as the server allows.
Seconds life_of_inbox(const SpaceToOpen& plan);

class Inbox {
 public:
  // Kind::locked when another run has it. Found by its name, if there is one. The lock goes with this object.
  static Result<Inbox> take(const std::string& name);

  const std::optional<KeptSpace>& found() const { return space_; }

  // Its space: a new one, as planned, or the one that was found, of which only how long it lasts is the plan's, and
  // where its built-in server listens, if the plan says that. Blocks for some seconds at most; before any thread is
  // started. Kind::gone when the server does not have it any more; Kind::other when this machine does not have its
  // key, or cannot keep what later runs need.
  Result<OpenedSpace> open(const SpaceToOpen& plan, Messages& messages);

  bool is_closed() const { return closed_; }  // as its server said: nobody can send to it

  // REQUIRES: open(). Once half of its life, or a day, is over, it lasts for `life` from now on. Trouble is for the
  // next try, a minute later.
  void extend_when_due(Seconds life);

 private:
  Result<OpenedSpace> open_new(const SpaceToOpen& plan, Messages& messages);
  Result<OpenedSpace> open_found(const SpaceToOpen& plan, Messages& messages);
  Result<OwnServer> serve(const SpaceToOpen& plan, Messages& messages);
  Result<void> extend(Seconds life);

  explicit Inbox(UniqueFd lock) : lock_(std::move(lock)) {}

  UniqueFd lock_;
  std::optional<KeptSpace> space_;
  Steady due_{};
  bool closed_ = false;  // when it was last extended
};

// Until when a kept space is open from now on, remembered in its file and with its key.
Result<void> remember_expiry(KeptSpace& space, WallTime expires);

}  // namespace qrx::cli
