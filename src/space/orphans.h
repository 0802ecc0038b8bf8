// Blobs that no row names.
// Private to src/space.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "space/context.h"

namespace qrx::space {

// Sets them aside; how many. Goes on after a blob that cannot be handled; each is told in `failures`. `starting`: small
// files of open deliveries go, for the process that accepted them is gone.
Result<std::uint64_t> set_orphans_aside(Context& context, bool starting, std::vector<std::string>& failures,
                                        const std::stop_token& stop);

}  // namespace qrx::space
