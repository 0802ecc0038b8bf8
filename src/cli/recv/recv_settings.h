// What qrx-recv is told: its options, and what they mean together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/options.h"
#include "cli/recv/kept_wish.h"
#include "cli/recv/receive_report.h"
#include "cli/space/opened_space.h"
#include "receive/receiver_options.h"

namespace qrx::cli {

struct RecvSettings {
  Common common;
  std::vector<std::string> links;
  std::string output = ".";
  std::string on_conflict = "rename";
  std::optional<std::uint64_t> count;
  bool follow = false;
  std::optional<Seconds> timeout;
  std::optional<Seconds> interval;
  SpaceToOpen space;  // but for the server and --seal
  std::string seal = "offer";
  std::string identity;
  std::optional<bool> qr;
  bool invert = false;
  std::string qr_file;
  std::string preview = "auto";
  bool ask = false;
  bool sha256 = false;
  std::string exec;
  bool clipboard = false;
  bool print0 = false;
  std::string resume;
  std::string inbox;
  bool clear = false;  // of an inbox: what is saved goes from the server
  std::string poster;
  KeptWish kept;

  std::uint64_t awaited() const { return follow ? 0 : count.value_or(1); }  // deliveries; 0: as many as come
};

// `to` outlives what is returned.
Options describe(RecvSettings& to);

// Kind::usage for options that do not go together. --count on the command line is stronger than --follow elsewhere.
Result<void> check_usage(RecvSettings& settings, const Options& options);

// Kind::usage for options that a new inbox would have, and this one has not.
Result<void> check_reopening(const RecvSettings& settings, const Options& options, const KeptSpace& inbox);

// What the options say of how to receive and to report, wherever from.
receive::ReceiverOptions how_to_receive(const RecvSettings& settings, const wire::Origin& origin);
ReceiveReportOptions how_to_report(const RecvSettings& settings, bool to_stream);

}  // namespace qrx::cli
