// What the rules know of shares: one recipient's own link to a space, what they took by it, and the notice
// that tells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "wire/id.h"
#include "wire/recipient.h"
#include "wire/share_messages.h"

namespace qrx::space {

// What a recipient did so far; it never goes back.
enum class Progress : std::uint8_t { none, opened, downloaded };

struct ShareRow {
  Id share;
  Guid guid;
  Sha256Sum link_hash{};  // of the text of the link's token, which is kept nowhere
  std::string to;         // as wire::to_text(Recipient) writes it
  std::string message;
  std::uint64_t limit = 0;  // how often each file may be taken; 0: no limit
  WallTime created;
  std::optional<WallTime> expires;                     // absent: with its space
  wire::ShareState notice = wire::ShareState::queued;  // of notifying them: queued, sending, sent, failed or unknown
  WallTime noticed;                                    // since when
  Progress progress = Progress::none;
  bool revoked = false;
  std::uint64_t files_taken = 0;          // different ones, each at least once
  std::vector<wire::ShareEvent> history;  // oldest first
};

// Shares of a space, oldest first.
struct SharePage {
  std::vector<ShareRow> shares;
  std::uint64_t next = 0;  // what asks for those behind them; 0: there are none
};

// A page ends with the share that reaches either.
struct SharePageSize {
  std::uint64_t shares = 1000;       // what a space has at most by default, so that programs without pages read all
  std::uint64_t bytes = 256U << 10;  // of their histories
};

// A range of a file that is on its way to a recipient.
struct TransferLeg {
  Id file;
  std::uint64_t size = 0;  // of the file
  std::uint64_t first = 0, bytes = 0;
  bool list = false;  // the list of files of a sealed delivery: a resumed download reads it again
};

// A leg of a limited share, as other nodes must know it: it may still be taken, until it ends or its node is silent for
// too long.
struct TransferLease {
  Id lease;
  Id share, file;
  Id node;
  std::uint64_t first = 0, bytes = 0;
  WallTime until;
};

// What a recipient took of one file.
struct ShareFileRow {
  Id share;
  Id file;
  Guid guid;
  std::uint64_t taken = 0;  // how often the whole of it
  std::string parts;        // how often each byte (space/parts.h)
};

// A notice that the server is to send. Gone when it is known what became of it: nothing else keeps the link's token.
struct NoticeRow {
  Id share;
  Guid guid;
  std::string transport;  // the name of its table in the configuration: "mail", "exec.NAME"
  std::string token;      // of the link
  std::string key;        // for the link's fragment, or empty
  WallTime created;
  WallTime due;
  std::uint64_t attempts = 0;
  bool claimed = false;  // it is being sent; after a restart nobody knows whether it was
};

}  // namespace qrx::space
