// The links to one space: made, told, listed, taken back, followed. What qrx-share does once it knows the space.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/share_client.h"
#include "base/result.h"
#include "cli/events.h"
#include "cli/share/notifier_choice.h"
#include "cli/share/recipient_rows.h"
#include "cli/share/share_report.h"
#include "cli/share/share_settings.h"
#include "cli/user_messages.h"
#include "http/interrupt.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::cli {

// One thread at a time. What is handed in outlives it.
class Sharing {
 public:
  Sharing(const ShareSettings& settings, const SharePlan& plan, Messages& messages, StdoutWriter& to_stdout,
          std::shared_ptr<http::Interrupt> interrupt);

  // From now on it is about this space; rows are kept when it is the same as before. With `shown`, links lead there
  // rather than where the server says.
  void use(const wire::OwnerLink& link, const std::optional<wire::Origin>& shown = {});

  // What the options ask for: shares, lists, takes back, or says what it would do. Blocks.
  Result<void> act();
  // --watch. Blocks until everyone has downloaded. Kind::timed_out when they have not in time.
  Result<void> watch();

  const Guid& guid() const { return link_.guid; }
  RecipientRows& rows() { return *rows_; }  // after act()
  ShareReport& report() { return report_; }

 private:
  Result<void> look();
  Result<void> share();
  void say_what_is_shared();
  Result<void> check_limits_of_known();
  Result<void> make_links();
  void warn_of_bounds();
  Result<void> tell_from_here(const std::vector<std::size_t>& whom);
  Result<void> preview();
  Result<void> say_all() { return report_.say_all(link_.guid, rows_->all()); }

  const ShareSettings& set_;
  const SharePlan& plan_;
  Messages& messages_;
  ShareReport report_;
  std::shared_ptr<http::Interrupt> interrupt_;
  NotifierChoice choice_;

  // Of the space.
  wire::OwnerLink link_;
  std::optional<wire::Origin> shown_;
  std::unique_ptr<api::ShareClient> client_;
  std::unique_ptr<api::ShareClient> recorder_;  // of notices sent from here
  wire::SpaceInfo space_;
  std::string key_;  // for the fragments of links; empty where nothing is sealed to it
  std::optional<RecipientRows> rows_;
};

}  // namespace qrx::cli
