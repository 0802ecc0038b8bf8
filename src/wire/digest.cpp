#include "wire/digest.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/tus.h"

namespace qrx::wire {
namespace {

// The value of a member of a structured-field dictionary (RFC 9651) whose values hold no comma; the last one counts.
std::optional<std::string_view> member(std::string_view dictionary, std::string_view key) {
  std::optional<std::string_view> found;
  while (!dictionary.empty()) {
    const auto comma = dictionary.find(',');
    const std::string_view item = trim(dictionary.substr(0, comma));
    if (item.size() > key.size() && item.starts_with(key) && item[key.size()] == '=')
      found = item.substr(key.size() + 1);
    if (comma == std::string_view::npos) break;
    dictionary.remove_prefix(comma + 1);
  }
  return found;
}

constexpr std::string_view algorithm = "sha-256";

}  // namespace

bool wants_sha256(std::string_view want_repr_digest) {
  const auto value = member(want_repr_digest, algorithm);
  const auto weight = value ? parse_number(*value) : std::nullopt;
  // RFC 9530, 4: weights are 0 (not acceptable) to 10.
  return weight && *weight >= 1 && *weight <= 10;
}

std::string format_repr_digest(const Sha256Sum& sum) {
  return std::string(algorithm) + "=:" + to_base64(as_bytes(sum)) + ':';
}

std::optional<Sha256Sum> parse_repr_digest(std::string_view repr_digest) {
  const auto value = member(repr_digest, algorithm);
  if (!value || value->size() < 2 || !value->starts_with(':') || !value->ends_with(':')) return std::nullopt;
  const auto bytes = from_base64(value->substr(1, value->size() - 2));
  Sha256Sum sum;
  if (!bytes || bytes->size() != sum.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), sum.begin());
  return sum;
}

}  // namespace qrx::wire
