// What is shown of shares: to the owner of their space what each is, to a recipient why a link has ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "wire/share_messages.h"

namespace qrx::space {

// Why a link opens nothing any more.
enum class LinkEnd : std::uint8_t { none, revoked, expired, used_up };

struct ShareView {
  Id share;
  std::string to;     // as to_text(Recipient) writes it
  std::string token;  // of its link, which is kept nowhere
  wire::ShareState state = wire::ShareState::queued;
  std::string reason;                     // of that state
  std::vector<wire::ShareEvent> history;  // oldest first
  std::uint64_t downloads = 0;            // how often everything was taken
  std::uint64_t limit = 0;                // 0: none
  WallTime expires;
  std::optional<wire::Fetching> fetching = {};
};

struct ShareList {
  std::uint64_t seq = 0;  // of the space
  std::vector<ShareView> shares;
  std::string next = {};  // there is more: what names it
};

}  // namespace qrx::space
