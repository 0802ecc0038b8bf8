// What an operator does with spaces: look at them, block one, delete one; beside a running server (it is asked over its
// control socket) or without one (the data is taken).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "serve/operations/daemon.h"
#include "space/spaces.h"

namespace qrx::serve {

// Each space there is, in no order that means anything.
Result<void> list_spaces(const DataOptions& options, const std::function<void(const space::SpaceSummary&)>& tell);
// Nobody sends into it or reads from it any more, its owner neither; it is deleted when it expires. Kind::not_found.
Result<void> block_space(const DataOptions& options, const Guid& guid);
Result<void> delete_space(const DataOptions& options, const Guid& guid);  // Kind::not_found

// A space as a line of the control socket: "GUID CREATED EXPIRES PHASE FILES BYTES UPLOADS LABEL", times in
// milliseconds, the label percent-encoded.
std::string summary_line(const space::SpaceSummary& space);
std::optional<space::SpaceSummary> read_summary(std::string_view line);

}  // namespace qrx::serve
