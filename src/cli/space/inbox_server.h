// The built-in server of an inbox that has no other one. It runs while the inbox receives; but its data outlast runs,
// and it comes back at the same port, for codes that were printed name it.
//
//   $XDG_STATE_HOME/qrx/inboxes/NAME.server/   lock data/ log create-token, as of any built-in server (unsaved.h)
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/space/kept_spaces.h"
#include "cli/space/own_server.h"
#include "cli/space/unsaved.h"
#include "wire/link.h"

namespace qrx::cli {

// For senders. `inbox`: its name, `bind` and `public_url` count, and of one that was opened before `drop`, whose
// address it gets if this machine still has that. For a new one without `bind` a port is chosen, from 8462 on. `life`:
// how long the inbox is to last. On return `bind` is what later runs need. Blocks; before any thread is started.
// Kind::unavailable while this machine has no network.
Result<OwnServer> start_inbox_server(KeptSpace& inbox, Seconds life);

// Where a kept space can be asked about itself for a moment: at its server, or, when that is its own and does not run,
// at one that is started for this machine alone, and ends with this object.
class KeptReach {
 public:
  // Blocks; before any thread is started. `life`: how much longer it is to last, if the caller is going to extend it.
  static Result<KeptReach> open(const KeptSpace& kept, std::optional<Seconds> life = {});

  const wire::OwnerLink& link() const { return link_; }
  bool is_stopped() const { return server_.has_value(); }  // nobody can send to it now
  // REQUIRES: is_stopped(), and the space is deleted. The server's data go, too.
  void remove_data() { server_->end().remove(); }

 private:
  explicit KeptReach(wire::OwnerLink link) : link_(std::move(link)) {}
  wire::OwnerLink link_;
  std::optional<OwnServer> server_;
};

// Whether this machine still has the address that a code names: a router may give it another one any time.
class AddressWatch {
 public:
  explicit AddressWatch(std::string address);  // only an address of this machine is watched, not a name

  // Something to be said when it went or came back; else empty. Looks every ten seconds, however often it is called.
  std::string look();

 private:
  std::string address_;  // empty: none
  bool there_ = true;
  Steady next_{};
};

}  // namespace qrx::cli
