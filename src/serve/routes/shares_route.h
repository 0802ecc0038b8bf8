// Shares, for the owner of a space: hand out links, see what became of them, take them back.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply create_shares(const SharedCall& call);
front::Reply list_shares(const SharedCall& call);
front::Reply revoke_shares(const SharedCall& call);
front::Reply show_share(const SharedCall& call);
front::Reply report_share(const SharedCall& call);
front::Reply revoke_share(const SharedCall& call);

}  // namespace qrx::serve
