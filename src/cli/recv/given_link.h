// A LINK to receive from: of a space of one's own, or shared with us.
#pragma once

#include <string>

#include "api/space_address.h"
#include "base/result.h"
#include "cli/space/identities.h"

namespace qrx::cli {

struct GivenLink {
  api::SpaceAddress address;
  std::string identity;  // the secret key in it, as it stands there; or empty
};

// "-": it is the first line of stdin. Kind::usage in a sentence for people when it is no link, or one for sending.
Result<GivenLink> read_given_link(const std::string& argument);

// What opens its sealed files: the key in it, else the one that was kept on this machine for a space of one's own.
// Null: there is none. No message repeats any of it.
Result<SharedIdentity> identity_of(const GivenLink& link);

}  // namespace qrx::cli
