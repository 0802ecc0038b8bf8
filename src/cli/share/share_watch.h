// Follows the links of a space until everyone has what they may have.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/share/recipient_rows.h"
#include "cli/share/share_report.h"
#include "wire/id.h"

namespace qrx::cli {

struct WatchHow {
  bool lines = true;     // say what changes
  bool used_up = false;  // limited links are waited for until they are used up, not only until everything was taken
                         // once; until they expire at most
  std::optional<Seconds> timeout;
  // At the beginning and at each change; about once a second while something is downloaded.
  std::function<void(const std::vector<RecipientRow>&)> changed = {};
  std::mutex* screen = nullptr;  // held while something is said; none: nobody else says anything
};

// Links that were taken back are not waited for. Kind::timed_out when timed out: not everyone has downloaded.
Result<void> watch_shares(const Guid& space, RecipientRows& rows, ShareReport& report, const WatchHow& how);

}  // namespace qrx::cli
