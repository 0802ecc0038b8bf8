// Several files as one: open a delivery, hand over small files, look, commit, cancel.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply create_delivery(const SharedCall& call);
front::Reply show_delivery(const SharedCall& call);
front::Reply cancel_delivery(const SharedCall& call);
front::Reply commit_delivery(const SharedCall& call);
front::Reply put_delivery_file(const SharedCall& call);
front::Reply post_delivery_files(const SharedCall& call);

}  // namespace qrx::serve
