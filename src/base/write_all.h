// Writing to a descriptor until all of it is written.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx {

// False when the descriptor is closed or broken (errno says how). EINTR and EAGAIN are waited out, the latter by
// poll(2): in a sandbox that forbids it (src/vision/sandbox.h) only for descriptors that block.
bool write_all(int fd, std::string_view text);

// The same of a file, with an error that says which.
Result<void> write_all(int fd, std::string_view text, const std::string& path);

}  // namespace qrx
