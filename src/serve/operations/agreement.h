// What all nodes of one catalog should be told alike, and in what two of them differ.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "space/policy.h"

namespace qrx::serve {

struct Agreed {
  space::Policy limits{};
  bool create_needs_token = false;
  std::uint64_t create_rate = 0;
  std::string links;  // where they lead
  bool redirect = false;
  std::string transports;  // of notices, by their names
  std::vector<Sha256Sum> tokens;
};

// One setting a line, "name value". It stands in the catalog, where it is read by whoever may read that: the create
// tokens are in it as two bytes of a slow sum. That is enough to see that two lists differ (one pair in 65,536 passes
// for equal), and says too little to tell a guessed token from a wrong one. `catalog` is the id of the catalog, its
// salt.
std::string policy_text(const Agreed& agreed, std::string_view catalog);

// "max-size 1073741824 (there 0), create-tokens differ"; empty: there are no differences.
std::string differences(std::string_view ours, std::string_view theirs);

}  // namespace qrx::serve
