// What qrx-share is told: its options, and what they mean together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/options.h"
#include "notify/settings.h"
#include "wire/recipient.h"

namespace qrx::cli {

struct ShareSettings {
  Common common;
  std::vector<std::string> recipients;
  std::vector<std::string> to_files;
  std::string space;
  std::string message;
  std::optional<Seconds> expire;
  std::optional<std::uint64_t> downloads;
  // --file, and what goes with it
  std::vector<std::string> files;
  bool preserve = false;
  std::optional<std::string> name;
  std::string seal = "require";
  std::string bind;
  std::optional<wire::Origin> public_url;
  std::string token_file;
  // the QR code
  std::optional<bool> qr;
  bool invert = false;
  std::string qr_file;
  // the notices
  std::string via;
  bool with_key = false;
  std::string identity;
  bool again = false;
  // afterwards
  bool watch = false;
  std::optional<Seconds> timeout;
  bool list = false;
  std::vector<std::string> revoke;
  bool dry_run = false;
};

// `to` outlives what is returned.
Options describe(ShareSettings& to);

struct SharePlan {
  std::vector<wire::Recipient> recipients;  // each once
  std::vector<wire::Recipient> revoked;     // of --revoke, but for "all"
  bool revokes_all = false;
  notify::Settings transports;         // of this machine
  bool key_may_be_text = false;        // of --identity: not on the command line, where a list of processes shows it
  std::optional<wire::Origin> server;  // of the kept space: QRX_SERVER does not say which that is
  bool only_code = false;              // --file without recipients: one link, to whoever scans its code
  std::uint64_t downloads = 0;         // of each link; 0: no limit
};

// Reads the files with recipients. Kind::usage for options that do not go together and for malformed recipients.
Result<SharePlan> plan_of(const ShareSettings& settings, const Options& options);

}  // namespace qrx::cli
