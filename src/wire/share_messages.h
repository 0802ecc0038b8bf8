// The JSON messages about shares (qrx-protocol(7)): who has their own link to a space, and what became of it.
// Readers are as strict as those of wire/messages.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "wire/delivery.h"
#include "wire/id.h"
#include "wire/limits.h"

namespace qrx::wire {

// In this order a share usually goes through them. `unknown`: whoever sent the notice ended between sending and
// recording.
enum class ShareState : std::uint8_t { queued, sending, sent, failed, unknown, opened, downloaded, revoked };
std::string_view to_text(ShareState state);
std::optional<ShareState> share_state_from_text(std::string_view text);

// POST /api/v1/spaces/{guid}/shares. A recipient who has a share already (not revoked) gets no second one and no second
// notice; one whose notice failed is tried again, one whose state is unknown only with `again`.
struct CreateShares {
  std::vector<std::string> recipients;  // wire/recipient.h
  std::string message;                  // plain text, no links, at most most_share_message_bytes
  std::optional<Seconds> expire;        // of the links; never beyond the space
  std::uint64_t downloads = 0;          // how often each link may be used up; 0: no limit
  bool notify = false;                  // the server's transports tell them; else the caller does, or nobody
  bool again = false;
  // AGE-SECRET-KEY-1..., for the links in the server's notices (qrx-share --with-key); forgotten once sent.
  std::string key;
};

struct ShareEvent {
  ShareState state = ShareState::queued;
  WallTime at;
  std::string reason;  // why, where there is a why: "550 no such user"
  friend bool operator==(const ShareEvent&, const ShareEvent&) = default;
};

// How much of everything has gone out, by a download that is under way: a live figure, which a restart forgets.
struct Fetching {
  std::uint64_t bytes = 0, total = 0;
  friend bool operator==(const Fetching&, const Fetching&) = default;
};

struct ShareInfo {
  Id share;
  std::string to;    // as to_text(Recipient) writes it
  std::string link;  // without a key in its fragment; only its owner ever sees it
  ShareState state = ShareState::queued;
  std::string reason;               // of that state
  std::vector<ShareEvent> history;  // oldest first
  std::uint64_t downloads = 0;      // how often everything was taken
  std::uint64_t limit = 0;          // 0: none
  WallTime expires;
  std::optional<Fetching> fetching = {};
};

// The answer to POST and GET …/shares (with ?after=N&wait=S and ?from= as for the space; the seq is the space's).
struct Shares {
  std::uint64_t seq = 0;
  std::vector<ShareInfo> shares;  // of POST: one for each recipient asked for, in that order; of GET: all, oldest first
  std::string next = {};          // of GET: there is more, as in SpaceInfo
};

// PATCH …/shares/{share}: whoever notifies the recipients themselves says how it went. sending claims the notice: 409
// when somebody else has claimed or sent it.
struct ReportShare {
  ShareState state = ShareState::sending;  // sending, sent, failed or unknown
  std::string reason;
  // With failed, and without a claim: there is nobody who could notify them. 409 as for sending, and when the server is
  // to tell.
  bool untried = false;
};

// GET /d/{token} with Accept: application/json: what a recipient may know
struct SharedSpace {
  std::string label;    // of the space: from whom
  std::string message;  // of the share
  WallTime expires;
  std::uint64_t downloads_left = 0;  // 0: no limit
  std::vector<DeliveryInfo> deliveries;
  std::string next;  // there is more, as in SpaceInfo
};

std::string to_json(const CreateShares&);
std::string to_json(const Shares&);
std::string to_json(const ShareInfo&);
std::string to_json(const ReportShare&);
std::string to_json(const SharedSpace&, const AddressOf&);

template <class T>  // one of CreateShares, Shares, ShareInfo, ReportShare, SharedSpace
Result<T> from_json(std::string_view text);

}  // namespace qrx::wire
