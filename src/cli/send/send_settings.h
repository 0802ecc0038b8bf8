// What qrx-send is told: its options, and what they mean together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/options.h"
#include "cli/send/link_scan.h"
#include "send/sender_options.h"
#include "wire/link.h"

namespace qrx::cli {

struct SendSettings {
  Common common;
  std::vector<std::string> files;
  std::vector<std::string> images;
  std::string camera;
  std::string link;
  bool screen = false;
  std::string to;       // a name
  std::string save_as;  // a name
  std::string forget;   // a name
  bool thorough = false;
  bool scan_only = false;
  bool any = false;
  std::optional<Seconds> timeout;
  std::optional<std::string> text;
  bool clipboard = false;
  std::optional<std::string> name;
  bool skip_errors = false;
  bool preserve = false;
  std::string seal = "auto";
  std::string expect;
  bool sha256 = false;
  std::optional<std::uint64_t> limit_rate;
  std::string message;
  bool wait = false;
  std::optional<Seconds> longest_wait;
  bool yes = false;
};

// `to` outlives what is returned.
Options describe(SendSettings& to);

// Kind::usage for options that do not go together. What is meant for one run only is forgotten unless it stands on the
// command line.
Result<void> check_usage(SendSettings& settings, const Options& options);

// Everything of a run but what is sent, and its interrupt.
send::SenderOptions how_to_send(const SendSettings& settings, const wire::Origin& origin);

// Where the link is. A picture, a camera or the screen on the command line is stronger than others in the environment.
ScanWish where_to(const SendSettings& settings, const Options& options);

}  // namespace qrx::cli
