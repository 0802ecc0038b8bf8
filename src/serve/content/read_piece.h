// A piece of stored content in memory, for answers that put something of their own between the bytes of files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "space/content.h"

namespace qrx::serve {

// Appends what there is of these bytes, at least one; or gives the topic to wait for. Never waits for a network.
Result<std::optional<Id>> read_piece(space::Content& content, std::uint64_t offset, std::uint64_t most,
                                     std::string& out);

}  // namespace qrx::serve
