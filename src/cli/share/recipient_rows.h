// The recipients of a space, a row each, as the server knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/share_client.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/link.h"
#include "wire/recipient.h"
#include "wire/share_messages.h"

namespace qrx::cli {

enum class Notifier : std::uint8_t { nobody, server, local };  // who tells one in this run
std::string_view to_text(Notifier notifier);                   // as --via has it; empty for nobody

struct RecipientRow {
  wire::Recipient to;
  wire::ShareInfo share;
  std::string link;  // what they get: with the key in it, where files are sealed to that
  Notifier notifier = Notifier::nobody;
  // Why this run found nobody to notify them, in words that are true on any machine; or empty.
  std::string undeliverable;
};

bool is_settled(const RecipientRow& row);  // nobody is notifying them, nor is about to
bool is_trouble(const RecipientRow& row);  // they were not notified, or that is not known

// One thread at a time. Errors are those of the client.
class RecipientRows {
 public:
  // `client` outlives it. `key` goes into the fragments of links; it may be empty. With `shown`, links lead there: a
  // built-in server does not know which of its addresses others see.
  RecipientRows(api::ShareClient& client, std::string key, std::optional<wire::Origin> shown = {})
      : client_(client), key_(std::move(key)), shown_(std::move(shown)) {}

  std::vector<RecipientRow>& all() { return rows_; }
  std::vector<std::size_t> assigned_to(Notifier notifier) const;  // which of all()

  // Links for these, in this order. `wish` says everything but who they are.
  Result<void> make(const std::vector<wire::Recipient>& recipients, wire::CreateShares wish);
  // The links that there are, oldest first: of all, or only of some.
  Result<void> list(const std::vector<wire::Recipient>& only = {});
  // Takes the links of these back, or all; these are the rows then. Kind::not_found when one of them has none, and
  // nobody loses theirs.
  Result<void> revoke(const std::vector<wire::Recipient>& who, bool all);
  // The server is told of those who are undeliverable, so that who asks it hears the same; a later run that can tell
  // them still may. One whom somebody else tells, or the server, is undeliverable no more.
  Result<void> record_undeliverable();
  // Until anything in the space is different than the rows know, at most so long; then they know it.
  Result<void> wait(Seconds most);
  Result<void> wait_until_settled(Seconds most);  // all of them; not to be so in time is no error

 private:
  RecipientRow row_of(wire::Recipient to, wire::ShareInfo share) const;

  api::ShareClient& client_;
  std::string key_;
  std::optional<wire::Origin> shown_;
  std::vector<RecipientRow> rows_;
  std::uint64_t seq_ = 0;  // of the space, as of the last answer
};

}  // namespace qrx::cli
