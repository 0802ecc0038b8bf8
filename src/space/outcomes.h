// What housekeeping did and found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qrx::space {

// What a start put right.
struct Recovered {
  std::uint64_t uploads = 0, truncated = 0, damaged = 0, incomplete = 0, quarantined = 0;
  std::vector<std::string> failures;  // what could not be put right, each with its reason; the rest was
};

struct Swept {
  std::uint64_t spaces = 0, uploads = 0, bytes = 0;
  std::vector<std::string> failures{};  // what could not be deleted, each with its reason; the rest was
};

struct Checked {
  std::uint64_t files = 0, bytes = 0, missing = 0, corrupt = 0, orphans = 0;
};

}  // namespace qrx::space
