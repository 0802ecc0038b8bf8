// Writing to a descriptor until all of it is written.
#pragma once

#include <string_view>

namespace qrx {

// False when the descriptor is closed or broken (errno says how). EINTR and EAGAIN are waited out, the latter by poll(2):
// in a cage that forbids it (src/vision/sandbox.h) only for descriptors that block.
bool write_all(int fd, std::string_view text);

}  // namespace qrx
