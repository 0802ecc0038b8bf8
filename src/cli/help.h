// The text of --help, made of the same table as everything else.
#pragma once

#include <cstddef>
#include <string>

#include "cli/option_table.h"

namespace qrx::cli {

// Lines of at most so many columns.
std::string help_text(const OptionTable& table, std::size_t width);

}  // namespace qrx::cli
