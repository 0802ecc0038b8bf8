#include "cli/given_name.h"

#include <algorithm>

#include "base/text.h"
#include "wire/id.h"

namespace qrx::cli {
namespace {

constexpr std::size_t most_bytes = 64;

bool may_stand(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  // Letters of all scripts; nothing that a shell, a path or a terminal gives a meaning.
  return letter || static_cast<unsigned char>(c) >= 0x80 || std::string_view("-_. @").find(c) != std::string_view::npos;
}

}  // namespace

Result<void> check_given_name(std::string_view option, std::string_view name) {
  const auto no = [&](const std::string& why) {
    return fail(Kind::usage, std::string(option) + ": '" + std::string(name) + "' " + why);
  };
  if (name.empty()) return fail(Kind::usage, std::string(option) + ": an empty name");
  if (name.size() > most_bytes) return no("is longer than 64 bytes");
  if (!std::all_of(name.begin(), name.end(), may_stand) || escape_untrusted(name) != name)
    return no("may hold letters, digits, blanks and - _ . @ only");
  if (name.front() == '.' || name.front() == '-' || trim(name) != name)
    return no("may neither begin with - or ., nor begin or end with a blank");
  // "--show NAME" takes either.
  if (Id::parse(name)) return no("could be taken for the identifier of a space");
  return {};
}

}  // namespace qrx::cli
