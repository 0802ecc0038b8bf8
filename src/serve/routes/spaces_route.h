// Spaces, for their owners: open, watch, extend, close, delete.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply create_space(const SharedCall& call);
front::Reply show_space(const SharedCall& call);
front::Reply change_space(const SharedCall& call);
front::Reply remove_space(const SharedCall& call);
front::Reply end_upload(const SharedCall& call);
front::Reply end_delivery(const SharedCall& call);

}  // namespace qrx::serve
