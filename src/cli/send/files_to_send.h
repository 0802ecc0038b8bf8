// The files, trees and streams that a tool was named, checked before anything else happens.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/events.h"
#include "cli/user_messages.h"
#include "send/sources.h"

namespace qrx::cli {

// `name`: of the only one, or of what comes from stdin. Names that had to be changed, and what of a tree is left out,
// are told; `done` is what happens to them: "sent", "shared". What cannot be read stands in the errors of the result.
// Ends soon with Kind::unavailable after a signal.
Result<send::SourceList> files_to_send(const std::vector<std::string>& paths, const std::optional<std::string>& name,
                                       std::string_view done, Messages& messages, StdoutWriter& to_stdout);

// What cannot be sent is named all at once. How many things are left out (`skip`), or the error with which the tool
// ends: the last one, when the others were named.
Result<std::size_t> skip_errors(const send::SourceList& sources, bool skip, Messages& messages,
                                StdoutWriter& to_stdout);

// "photo.jpg" or "3 files", escaped.
std::string what_is_sent(const send::SourceList& sources);

}  // namespace qrx::cli
