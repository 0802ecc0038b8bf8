// What qrx-share says of recipients: on stdout a line or an event each, on stderr why one was not told.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/events.h"
#include "cli/share/recipient_rows.h"
#include "cli/share/share_table.h"
#include "cli/user_messages.h"
#include "wire/id.h"

namespace qrx::cli {

// Not thread-safe. Errors are those of StdoutWriter.
class ShareReport {
 public:
  // Both outlive it.
  ShareReport(StdoutWriter& to_stdout, Messages& messages) : stdout_(to_stdout), messages_(messages) {}

  void set_silent() { silent_ = true; }  // no lines, only warnings

  // Nothing when it would be what was said of this share last.
  Result<void> say(const Guid& space, const RecipientRow& row);
  Result<void> say_all(const Guid& space, const std::vector<RecipientRow>& rows);
  // Of a dry run: the link that they have, if there is one.
  Result<void> say_expected(const wire::Recipient& to, const RecipientRow* known, Notifier notifier);
  // On stderr: those whom this run found nobody to tell, once for each reason.
  void warn_of_undeliverable(const std::vector<RecipientRow>& rows);
  Result<void> say_done(const std::vector<RecipientRow>& rows);

 private:
  Result<void> say_fetching(const Guid& space, const RecipientRow& row);

  StdoutWriter& stdout_;
  Messages& messages_;
  bool silent_ = false;
  std::map<Id, std::string> said_;
  std::map<Id, wire::Fetching> fetching_;  // as it was said last
};

std::string percent_of(const wire::Fetching& fetching);  // "45 %"
std::vector<ShareLine> table_of(const std::vector<RecipientRow>& rows);

}  // namespace qrx::cli
