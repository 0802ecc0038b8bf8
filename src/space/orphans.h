// Blobs that no row names.
// Private to src/space.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "space/context.h"

namespace qrx::space {

// Sets them aside; how many. Goes on after a blob that cannot be handled; each is told in `failures`. `starting`: small
// files of open deliveries go, for the process that accepted them is gone.
Result<std::uint64_t> set_orphans_aside(Context& context, bool starting, std::vector<std::string>& failures,
                                        const std::stop_token& stop);

// In a store of objects: those of blobs that no row names, once no writer can name them any more. Looks through the
// whole store once a day, on one of its nodes, and removes them.
Result<std::uint64_t> remove_nameless(Context& context, std::vector<std::string>& failures,
                                      const std::stop_token& stop);
// Only finds them.
Result<void> find_nameless(Context& context, const std::function<void(const StoredObject&)>& take,
                           const std::stop_token& stop);

}  // namespace qrx::space
