// Where a run of qrx-recv receives from: a space that it opens, an inbox that it goes on with, or a link that it was
// given.
#pragma once

#include <optional>
#include <string>

#include "api/space_address.h"
#include "base/result.h"
#include "cli/events.h"
#include "cli/options.h"
#include "cli/recv/given_link.h"
#include "cli/recv/receive_output.h"
#include "cli/recv/recv_settings.h"
#include "cli/space/identities.h"
#include "cli/space/inbox.h"
#include "cli/space/inbox_server.h"
#include "cli/space/opened_space.h"
#include "cli/user_messages.h"
#include "receive/received.h"
#include "receive/receiver_options.h"

namespace qrx::cli {

// One thread. Its built-in server ends with it.
class WhereFrom {
 public:
  // A space that an earlier run opened, or another machine, with its secret key; or what was shared with us.
  // Kind::usage for a link or for options that do not fit it.
  static Result<WhereFrom> link(const std::string& argument, const RecvSettings& set, const Options& options);
  // Blocks; before any thread is started (own_server.h).
  static Result<WhereFrom> open(const RecvSettings& set, const Options& options, const ReceiveOutput& output,
                                Messages& messages);

  api::SpaceAddress address() const;
  const OpenedSpace* opened() const { return opened_ ? &*opened_ : nullptr; }  // null: it was given
  const OwnServer* own_server() const { return opened_ ? opened_->own_server() : nullptr; }
  bool is_inbox() const { return inbox_.has_value(); }
  bool is_closed() const { return inbox_ && inbox_->is_closed(); }  // its code is of no use to anybody

  receive::ReceiverOptions how_to_receive(const RecvSettings& set) const;  // but for the interrupt
  // What the report says of it: whether it is a download, its name, and what to look at when nobody comes.
  void describe_to(ReceiveReportOptions& how) const;

  // An inbox lasts while it is used. What is to be said; or empty.
  std::string each_second(const RecvSettings& set);

  // With --keep on a server of its own it stays for as long as that runs, or until a signal comes. Otherwise at once.
  void stay(Messages& messages) const;
  // The last that is done with it. What is not `finished` stays for a later run, which is said; what of the output no
  // run will go on with is removed.
  void leave(const receive::Finished& finished, ReceiveOutput& output, Messages& messages, StdoutWriter& to_stdout);

 private:
  WhereFrom() = default;
  Result<void> take_identity(const RecvSettings& set, const Options& options);
  Result<void> open_inbox(SpaceToOpen plan, const RecvSettings& set, const Options& options, Messages& messages);

  std::optional<GivenLink> given_;
  std::optional<OpenedSpace> opened_;
  std::optional<Inbox> inbox_;  // with `opened_`
  bool is_new_ = true;          // its code was shown to nobody before
  std::optional<AddressWatch> address_;
  SharedIdentity identity_;  // null: nothing is opened
};

}  // namespace qrx::cli
