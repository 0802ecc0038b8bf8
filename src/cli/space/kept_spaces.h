// Spaces that were left on a server (qrx-recv --keep), so that qrx-share finds them: one file a space in
// $XDG_STATE_HOME/qrx/spaces, mode 0600, for it holds the owner token.
#pragma once

#include <optional>
#include <string>

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
};

// <guid>.json: {"v":1,"server":…,"guid":…,"token":…,"owner":…,"drop":…,"label":…,"created":…,"expires":…}. The newest
// is the one with the greatest "created". Whether a space has expired is the server's to say: clocks differ. Files of
// those that expired three months ago by our clock are removed on the way.
Result<void> remember_space(const KeptSpace& space, WallTime now);
Result<void> forget_space(const Guid& guid);

// Kind::not_found when there is none, with a hint how to get one. With an origin: of that server.
Result<KeptSpace> newest_kept_space(const std::optional<wire::Origin>& server = {});
Result<KeptSpace> kept_space(const Guid& guid);

}  // namespace qrx::cli
