#include "wire/domain.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace qrx::wire {
namespace {

bool is_of_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

}  // namespace

std::string domain_in_ascii(std::string_view domain) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(domain.begin(), domain.end(), is_ascii)) return to_lower_ascii(domain);
  // The library would stop reading there.
  if (domain.find('\0') != std::string_view::npos) return {};
  char* converted = nullptr;
  // NONTRANSITIONAL, as browsers: "straße.example" is not sent to "strasse.example", which may be somebody else's.
  const int status = ::idn2_to_ascii_8z(std::string(domain).c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owned(converted, ::idn2_free);
  if (status != IDN2_OK || converted == nullptr) return {};
  std::string out = to_lower_ascii(converted);
  // Full-width marks become those of ASCII: "good.example\uFF0F.evil.example" would be a host and a path.
  return std::all_of(out.begin(), out.end(), is_of_host) ? out : std::string();
}

}  // namespace qrx::wire
