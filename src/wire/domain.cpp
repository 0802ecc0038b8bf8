#include "wire/domain.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace qrx::wire {

std::string domain_in_ascii(std::string_view domain) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(domain.begin(), domain.end(), is_ascii)) return to_lower_ascii(domain);
  char* converted = nullptr;
  // NONTRANSITIONAL, as browsers: "straße.example" is not sent to "strasse.example", which may be somebody else's.
  const int status = ::idn2_to_ascii_8z(std::string(domain).c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owned(converted, ::idn2_free);
  return status == IDN2_OK && converted != nullptr ? to_lower_ascii(converted) : std::string();
}

}  // namespace qrx::wire
