// What the small files of the state directory have in common: nobody else reads them, and each write is whole or told.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::transfer {

Result<void> make_private_directories(const std::string& path);  // mode 0700, with those above it
Result<void> write_state(int fd, std::string_view text, const std::string& path);

}  // namespace qrx::transfer
