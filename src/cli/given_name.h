// Names that people give to inboxes and to those they send to: they stand in file names, links to them in no list of
// processes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

// One to 64 bytes of UTF-8 letters, digits and "-_. @"; neither a GUID nor anything that a path or an option could be
// taken for. Kind::usage with `option` in the message.
Result<void> check_given_name(std::string_view option, std::string_view name);

}  // namespace qrx::cli
