// The recipients that a tool was named: arguments, and files with one a line.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "wire/recipient.h"

namespace qrx::cli {

// In order, each once. Lines of files: '#' begins a comment at the start of a line or after a blank; empty lines are
// nothing. "-" as a file is stdin. Kind::usage says which argument, or file and line, is no recipient.
Result<std::vector<wire::Recipient>> read_recipients(const std::vector<std::string>& arguments,
                                                     const std::vector<std::string>& files);

}  // namespace qrx::cli
