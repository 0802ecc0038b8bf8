// The secret key that links to a sealed space carry, so that their recipients can open what they get.
#pragma once

#include <string>

#include "base/result.h"
#include "wire/id.h"
#include "wire/messages.h"

namespace qrx::cli {

struct LinkKey {
  std::string text;      // AGE-SECRET-KEY-1…; empty where nothing is sealed to it, or it is not here
  bool missing = false;  // something is sealed, and nothing here can open it
};

// That of --identity, or the one that was kept for this space. `text_too` as for given_identity().
Result<LinkKey> find_link_key(const Guid& guid, const wire::SpaceInfo& space, const std::string& given, bool text_too);

}  // namespace qrx::cli
