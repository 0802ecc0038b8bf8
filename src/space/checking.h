// Whether catalog and blobs agree, and all stored checksums hold.
// Private to src/space.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "space/context.h"
#include "space/outcomes.h"

namespace qrx::space {

// `tell` gets a line about each finding. Changes nothing.
Result<Checked> check(Context& context, const std::function<void(const std::string&)>& tell,
                      const std::stop_token& stop);

}  // namespace qrx::space
