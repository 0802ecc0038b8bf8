// A space that its server tells in several pages, read as one.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "wire/messages.h"

namespace qrx::api {

// `first` and all pages that follow it. `ask` gets one of them by its query.
Result<wire::SpaceInfo> with_all_pages(Result<wire::SpaceInfo> first,
                                       const std::function<Result<wire::SpaceInfo>(const std::string& query)>& ask);

}  // namespace qrx::api
