// What is to be done with inboxes and kept spaces: --list, --show, --extend, --close, --delete of qrx-recv.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::cli {

struct KeptWish {
  bool list = false;
  bool show = false;
  std::optional<Seconds> extend;
  bool close = false;
  bool remove = false;

  bool any() const { return list || show || extend || close || remove; }
};

// Kind::usage for wishes that do not go together. `names`: of which spaces; without any it is `inbox`, unless empty.
Result<void> check_usage(const KeptWish& wish, std::vector<std::string>& names, const std::string& inbox);

}  // namespace qrx::cli
