// What the outbox gets of the rules, and tells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "space/share_model.h"

namespace qrx::space {

struct NoticeClaim {
  NoticeRow notice;
  std::string to, label, message;
  std::uint64_t files = 0, bytes = 0;  // what the space holds
  WallTime expires;
};
struct NextNotice {
  std::optional<NoticeClaim> claim;
  std::optional<WallTime> due;  // no claim: when the next one may be had
};

struct NoticeEnding {
  wire::ShareState state = wire::ShareState::failed;  // sent, failed, unknown; or queued: to be tried again at retry_at
  std::string reason;
  WallTime retry_at;
};

}  // namespace qrx::space
