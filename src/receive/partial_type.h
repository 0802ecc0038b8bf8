// What kind of file a partial holds.
#pragma once

#include <string>

#include "receive/partial_file.h"

namespace qrx::receive {

// By its first bytes, as the server does with what is not sealed: a name proves nothing. REQUIRES: it is whole.
std::string type_of(const PartialFile& partial);

}  // namespace qrx::receive
