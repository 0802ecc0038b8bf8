// Notices that this machine sends itself. Each is claimed on the server before and recorded there after, and while it
// is sent a file stands here (send_claims.h): whatever ends a run, nobody is told twice without being asked for.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/share/recipient_rows.h"
#include "http/interrupt.h"
#include "notify/courier.h"
#include "notify/notice.h"
#include "wire/messages.h"
#include "wire/share_messages.h"

namespace qrx::cli {

// Tells the server, as api::ShareClient::report does.
using ReportNotice = std::function<Result<wire::ShareInfo>(const Id& share, const wire::ReportShare& report)>;

// Sends one, as notify::Courier::send does.
using SendNotice = std::function<notify::Outcome(const notify::Notice&)>;
// With the transports of this machine, which outlive it: a courier at each call. Kind::other when qrx-notify is
// missing.
Result<std::function<SendNotice()>> couriers(const notify::Settings& transports);

class LocalNotices {
 public:
  // `report` is called by one thread at a time. It must not end with the interrupt: what was sent is recorded also
  // after ^C. `make_send` is called once in each thread that sends. `interrupt` outlives it: no notice is begun once it
  // is raised, and no failed one tried again.
  LocalNotices(const Guid& space, ReportNotice report, std::function<SendNotice()> make_send,
               const http::Interrupt& interrupt);

  // What the server has recorded of a notice; absent when somebody else sends it or has sent it.
  using Ended = std::function<Result<void>(std::size_t notice, std::optional<wire::ShareInfo> recorded)>;

  // Sends all, several at once. The id of a notice is that of its share. `ended` is called by one thread at a time, in
  // the order in which notices end. After the first failure, of the server, of a file here, of `ended`, or by the
  // interrupt (Kind::unavailable), no notice is begun; those being sent are waited for, and recorded.
  Result<void> send(const std::vector<notify::Notice>& notices, const Ended& ended);

 private:
  Result<std::optional<wire::ShareInfo>> claim_and_send(const SendNotice& send, const notify::Notice& notice);
  notify::Outcome try_to_send(const SendNotice& send, const notify::Notice& notice) const;
  Result<wire::ShareInfo> report(const Id& share, wire::ShareState state, const std::string& reason);

  const Guid space_;
  const ReportNotice report_;
  const std::function<SendNotice()> make_send_;
  const http::Interrupt& interrupt_;
  std::mutex mutex_;  // of report_ and of `ended`
};

// What earlier runs on this machine left that ended between sending and recording is recorded now.
Result<void> settle_left_claims(const Guid& space, const ReportNotice& report);

// "3 files, 1.2 MiB": the manifest of sealed files is not counted.
std::string summary_of(const wire::SpaceInfo& space);

// The notice of one row of a space, with the sharer's own words.
notify::Notice notice_of(const RecipientRow& row, const wire::SpaceInfo& space, const std::string& message);

}  // namespace qrx::cli
