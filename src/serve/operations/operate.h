// What an operator does with the data of a server: sweep it, check it, look at spaces, block one, delete one; beside a
// running server (it is asked over its control socket) or without one (the data is taken).
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "serve/operations/data.h"
#include "space/spaces.h"

namespace qrx::serve {

// Deletes what has expired. Kind::unavailable: the clock jumped, a server is just starting or stopping, or the disk is
// in trouble; the text says which.
Result<space::Spaces::Swept> sweep_data(const DataOptions& options);
// Compares catalog and blobs, and verifies every stored checksum. `tell` gets each finding. Errors as of sweep_data().
Result<space::Spaces::Checked> check_data(const DataOptions& options,
                                          const std::function<void(const std::string&)>& tell);

// Each space there is, in no order that means anything.
Result<void> list_spaces(const DataOptions& options, const std::function<void(const space::SpaceSummary&)>& tell);
// Nobody sends into it or reads from it any more, its owner neither; it is deleted when it expires. Kind::not_found.
Result<void> block_space(const DataOptions& options, const Guid& guid);
Result<void> delete_space(const DataOptions& options, const Guid& guid);  // Kind::not_found

}  // namespace qrx::serve
