#include "wire/names.h"

#include <algorithm>

#include "base/text.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

tl::unexpected<Error> unsafe(std::string_view name, const char* why) {
  constexpr std::size_t most_shown = 80;
  std::string shown = escape_untrusted(name.substr(0, most_shown));
  if (name.size() > most_shown) shown += "…";
  return fail(Kind::integrity, "unsafe file name \"" + shown + "\": " + why);
}

bool has_control_character(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // C1 (U+0080 to U+009F) in UTF-8: terminals obey it as they do ESC sequences.
    if (byte == 0xC2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) < 0xA0) return true;
  }
  return false;
}

bool has_drive_letter(std::string_view name) {
  if (name.size() < 2 || name[1] != ':') return false;
  if (name.size() > 2 && name[2] != '/' && name[2] != '\\') return false;  // "a:b.txt" is a name
  const char letter = static_cast<char>(name[0] | 0x20);
  return letter >= 'a' && letter <= 'z';
}

std::string percent_encoded(char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return {'%', digits[value >> 4], digits[value & 15]};
}

}  // namespace

std::string sendable_name(std::string_view name) {
  if (check_name(name)) return std::string(name);
  constexpr std::size_t longest_character = 4;  // in UTF-8
  std::string out;
  const bool drive = has_drive_letter(name);
  while (!name.empty()) {
    // One character, which is one byte of a broken one.
    std::size_t bytes = 1;
    while (bytes < std::min(longest_character, name.size()) && !is_valid_utf8(name.substr(0, bytes))) ++bytes;
    std::string_view character = name.substr(0, bytes);
    const bool broken = !is_valid_utf8(character);
    if (broken) character = name.substr(0, 1);
    if (broken || has_control_character(character) || character == "\\" || (drive && out.size() == 1))
      for (const char byte : character) out += percent_encoded(byte);
    else
      out += character;
    name.remove_prefix(character.size());
  }
  return out;
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) return fail(Kind::integrity, "a file name is empty");
  if (name.size() > most_name_bytes) return unsafe(name, "longer than 4096 bytes");
  // First of what looks at characters: the rest may take them for valid.
  if (!is_valid_utf8(name)) return unsafe(name, "not UTF-8");
  if (has_control_character(name)) return unsafe(name, "control characters");
  // A separator on Windows, where the receiver may run: "..\x" would climb there.
  if (name.find('\\') != std::string_view::npos) return unsafe(name, "a backslash");
  if (has_drive_letter(name)) return unsafe(name, "a drive letter");
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) return unsafe(name, "a slash at an end, or two together");
    if (part == "." || part == "..") return unsafe(name, "a part that climbs");
    if (part.size() > most_part_bytes) return unsafe(name, "a part longer than 255 bytes");
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace qrx::wire
