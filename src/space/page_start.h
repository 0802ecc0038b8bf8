// Where a page begins, as a text that clients hand back. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "space/model.h"

namespace qrx::space {

std::string to_text(const PageStart& start);  // digits and dashes
std::optional<PageStart> page_start_from_text(std::string_view text);

}  // namespace qrx::space
