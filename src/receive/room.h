// Whether there is room before something is fetched that cannot be fetched twice.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace qrx::receive {

// Kind::no_room when so many bytes do not fit beneath this directory, by what the file system says of its room and of
// quotas. Nothing is held: others may take the room meanwhile.
Result<void> check_room(int directory, std::uint64_t bytes, const std::string& doing);

}  // namespace qrx::receive
