// qrx-share --watch: follows the links of a space until everyone has downloaded.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "cli/recipient_rows.h"
#include "cli/share_report.h"
#include "cli/share_table.h"
#include "wire/id.h"

namespace qrx::cli {

// Says what changes in `report`, if `lines`, and draws `table`. Links that were taken back are not waited for.
// Kind::timed_out when not everyone has downloaded after `timeout`.
Result<void> watch_shares(const Guid& space, RecipientRows& rows, ShareReport& report, bool lines, LiveTable& table,
                          std::optional<Seconds> timeout);

}  // namespace qrx::cli
