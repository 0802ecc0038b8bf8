// The data of one server into those of another: from one machine to a cluster, or back.
#pragma once

#include <functional>

#include "base/result.h"
#include "serve/operations/data.h"
#include "space/copying.h"

namespace qrx::serve {

// Neither may be served meanwhile: of a data directory Kind::unavailable says so; nodes of a cluster are the operator's
// to stop. `to` is made where nothing is yet. `tell`: as copy_spaces() has it, with what there is in all.
Result<space::Copied> copy_data(
    const DataOptions& from, const DataOptions& to,
    const std::function<void(const space::Copied&, const space::Catalog::Totals& all)>& tell);

}  // namespace qrx::serve
