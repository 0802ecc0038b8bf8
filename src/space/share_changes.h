// What one request to share changes: a share for each recipient, new or known, and who is told.
// Private to src/space.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "space/catalog.h"
#include "space/share_rules.h"
#include "wire/share_messages.h"

namespace qrx::space {

struct ShareWish {
  wire::Recipient to;
  std::string text;  // the same in its canonical form: wire::to_text()
};

// Each once, in order. Kind::usage for one that is malformed, or none at all.
Result<std::vector<ShareWish>> read_recipients(const std::vector<std::string>& recipients);

// Lives inside one transaction, whose rows it writes.
class ShareChanges {
 public:
  ShareChanges(ShareRules& rules, Transaction& transaction, const Guid& guid, std::string_view token,
               const wire::CreateShares& wish)
      : rules_(rules),
        transaction_(transaction),
        guid_(guid),
        token_(token),
        wish_(wish),
        now_(rules.context.clock.wall()),
        counts_(transaction.count_shares(guid)) {}

  // The share of one recipient: a new one, or the one there is.
  Result<void> add(const ShareWish& one);
  bool any() const { return any_; }                               // a row was written: the space has a new version
  bool made() const { return made_; }                             // a share is new
  bool queued() const { return queued_; }                         // a notice waits for the outbox
  std::vector<ShareRow> take_rows() { return std::move(rows_); }  // of all recipients, in their order

 private:
  Result<ShareRow> make(const ShareWish& one);
  void tell(const ShareWish& one, ShareRow& row);

  ShareRules& rules_;
  Transaction& transaction_;
  const Guid& guid_;
  const std::string_view token_;
  const wire::CreateShares& wish_;
  const WallTime now_;
  Transaction::ShareCounts counts_;
  std::vector<ShareRow> rows_;
  bool any_ = false, made_ = false, queued_ = false;
};

}  // namespace qrx::space
