// Those whom one sends to often, by name (qrx-send --to): links from the configuration file, [to.NAME] link = "…", and
// links that were learned (--save-as), one file each in $XDG_STATE_HOME/qrx/to, mode 0600.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/config_file.h"
#include "wire/link.h"

namespace qrx::cli {

struct KnownLink {
  wire::DropLink link;
  std::string words;        // the four that were written down with it, or empty
  bool configured = false;  // in the configuration file, which no tool writes
};

// Nothing when there is none of this name. Kind::usage when what stands there is no link for sending.
Result<std::optional<KnownLink>> known_link(const std::string& name, const Config& config);
// The same, where one is needed: Kind::usage names those that there are.
Result<KnownLink> needed_link(const std::string& name, const Config& config);

// In place of one that was learned before. `words`: the four of the link.
Result<void> learn_link(const std::string& name, const wire::DropLink& link, const std::string& words);
// Kind::not_found when none was learned.
Result<void> forget_link(const std::string& name);

// May this link take the name? One that leads elsewhere than the known one, as other words show, only when the words
// of the new one were confirmed: Kind::integrity otherwise, in the way of ssh. `words` is of `link`.
Result<void> check_same_link(const std::string& name, const KnownLink& known, const wire::DropLink& link,
                             const std::string& words, const std::string& confirmed);

}  // namespace qrx::cli
