// Spaces that were left on a server (qrx-recv --keep and --inbox), so that later runs find them: one file a space in
// $XDG_STATE_HOME/qrx/spaces, mode 0600, for it holds the owner token.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "wire/link.h"

namespace qrx::cli {

struct KeptSpace {
  wire::OwnerLink link;
  std::string drop;
  std::string label;
  WallTime created;
  WallTime expires;
  std::string inbox = {};  // its name (qrx-recv --inbox), or empty
  // Of an inbox on a server of this machine's own, which runs while it receives: where that listens, as --bind has it,
  // with its port (":8462": at the address that is best), and --public-url. Else empty.
  std::string bind = {};
  std::string public_url = {};

  bool is_served_here() const { return !bind.empty(); }

  std::string name() const { return inbox.empty() ? link.guid.text() : inbox; }  // as people give it
};

// <guid>.json: {"v":1,"server":…,"guid":…,"token":…,"owner":…,"drop":…,"label":…,"inbox":…,"bind":…,"public_url":…,
// "created":…,"expires":…}.
// The newest is the one with the greatest "created". Whether a space has expired is the server's to say: clocks differ.
// Files of those that expired three months ago by our clock are removed on the way.
Result<void> remember_space(const KeptSpace& space, WallTime now);
Result<void> forget_space(const Guid& guid);

// Kind::not_found when there is none, with a hint how to get one. With an origin: of that server. Inboxes do not count:
// what many have sent is shared only by who names it.
Result<KeptSpace> newest_kept_space(const std::optional<wire::Origin>& server = {});
Result<KeptSpace> kept_space(const Guid& guid);
Result<KeptSpace> kept_space_named(const std::string& name);  // of an inbox, or a GUID

Result<std::vector<KeptSpace>> kept_spaces();  // oldest first

}  // namespace qrx::cli
