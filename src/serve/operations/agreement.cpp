#include "serve/operations/agreement.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/slow_digest.h"
#include "base/text.h"

namespace qrx::serve {
namespace {

constexpr std::string_view tokens_name = "create-tokens";
constexpr std::size_t most_shown = 200;  // of a value: what another node says of itself

// In any order: two files with the same tokens are the same.
std::string sum_of(std::vector<Sha256Sum> tokens, std::string_view catalog) {
  std::sort(tokens.begin(), tokens.end());
  std::vector<std::byte> all;
  for (const Sha256Sum& token : tokens) all.insert(all.end(), as_bytes(token).begin(), as_bytes(token).end());
  const auto sum = slow_digest(all, as_bytes(catalog));
  return to_hex(ByteView(sum).first(2));
}

std::map<std::string, std::string, std::less<>> settings_of(std::string_view policy) {
  std::map<std::string, std::string, std::less<>> out;
  while (!policy.empty()) {
    const auto end = std::min(policy.find('\n'), policy.size());
    const std::string_view line = policy.substr(0, end);
    policy.remove_prefix(std::min(end + 1, policy.size()));
    const auto blank = std::min(line.find(' '), line.size());
    out.emplace(line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
  }
  return out;
}

std::string shown(const std::string& value) {
  return value.empty() ? "none" : escape_untrusted(std::string_view(value).substr(0, most_shown));
}

}  // namespace

std::string policy_text(const Agreed& agreed, std::string_view catalog) {
  const space::Policy& limits = agreed.limits;
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& value) {
    out += std::string(name) + " " + value + "\n";
  };
  const auto seconds = [](Seconds time) { return std::to_string(time.count()) + "s"; };
  add("expire", seconds(limits.expire));
  add("max-expire", seconds(limits.max_expire));
  add("max-size", std::to_string(limits.max_size));
  add("max-files", std::to_string(limits.max_files));
  add("max-total", std::to_string(limits.max_total));
  add("max-spaces", std::to_string(limits.max_spaces));
  add("create", agreed.create_needs_token ? "token" : "open");
  add("create-rate", std::to_string(agreed.create_rate));
  if (agreed.create_needs_token) add(tokens_name, sum_of(agreed.tokens, catalog));
  add("public-url", agreed.links);
  add("redirect", agreed.redirect ? "yes" : "no");
  add("notify", agreed.transports);
  return out;
}

std::string differences(std::string_view ours, std::string_view theirs) {
  const auto here = settings_of(ours), there = settings_of(theirs);
  std::string out;
  const auto add = [&out](const std::string& words) { out += (out.empty() ? "" : ", ") + words; };
  for (const auto& [name, value] : here) {
    const auto other = there.find(name);
    // What only a newer or an older version has is no difference between settings; tokens stand here only with "token".
    if (other == there.end() || other->second == value) continue;
    if (name == tokens_name)
      add(name + " differ");
    else
      add(name + " " + shown(value) + " (there " + shown(other->second) + ")");
  }
  return out;
}

}  // namespace qrx::serve
