#include "receive/local_names.h"

#include <algorithm>

#include "base/text.h"

namespace qrx::receive {
namespace {

constexpr std::size_t most_part_bytes = 255;     // NAME_MAX
constexpr std::size_t most_path_bytes = 3500;    // below PATH_MAX, with room for the output directory
constexpr std::size_t most_partial_bytes = 140;  // of a partial: what encrypting file systems allow (eCryptfs: 143)
constexpr std::size_t most_parts = 64;
constexpr std::string_view partial_suffix = ".qrx-part";

std::size_t sequence_length(unsigned char lead) {
  if (lead >= 0xF0) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC0 ? 2 : 1;
}

// The longest front of `text` that is at most `bytes` long and does not end within a character.
std::string_view front(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

// Where the extension starts: "photo.jpg" 5, "src.tar.gz" 3; text.size() when there is none, or when it is no extension
// by its length.
std::size_t extension_at(std::string_view leaf) {
  const auto dot = leaf.rfind('.');
  // 17: a dot and 16 characters. Longer endings are sentences ("1. What happened then").
  if (dot == std::string_view::npos || dot == 0 || leaf.size() - dot > 17 || dot + 1 == leaf.size()) return leaf.size();
  // ".tar.gz" is one extension.
  constexpr std::string_view archive = ".tar";
  const std::string_view stem = leaf.substr(0, dot);
  return stem.size() > archive.size() && equal_ignoring_case(stem.substr(stem.size() - archive.size()), archive)
             ? dot - archive.size()
             : dot;
}

// Cuts the stem so that stem + inserted + extension fit into `most`.
std::string fitted(std::string_view leaf, std::string_view inserted, std::size_t most) {
  const auto at = extension_at(leaf);
  const std::string_view extension = leaf.substr(at);
  // REQUIRES: inserted and extension together fit into `most`; both are short.
  std::string out(front(leaf.substr(0, at), most - inserted.size() - extension.size()));
  out += inserted;
  out += extension;
  return out;
}

// Compared as bytes: the order of UTF-8 is that of the code points.
bool is_variation_selector(std::string_view character) {
  const bool basic = character >= "\ufe00" && character <= "\ufe0f";
  return character.size() == 3 ? basic : character >= "\U000e0100" && character <= "\U000e01ef";
}

// What Windows takes for a device, whatever its extension: "aux.txt".
bool is_device_name(std::string_view leaf) {
  const std::string stem = to_lower_ascii(leaf.substr(0, leaf.find('.')));
  if (stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt"))) return stem[3] >= '1' && stem[3] <= '9';
  return stem == "con" || stem == "prn" || stem == "aux" || stem == "nul";
}

// One character (or one byte that is not UTF-8) off the front of `text`, as it may stand in a name.
std::string take_clean(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = std::min(sequence_length(lead), text.size());
  const std::string_view character = text.substr(0, length);
  if (!is_valid_utf8(character)) {
    text.remove_prefix(1);
    return "_";
  }
  text.remove_prefix(length);
  // A name of another system, which shares of Windows take for a separator.
  if (character == "\\") return "_";
  // ZWNJ and ZWJ are letters' joints in Persian, Hindi and emoji, variation selectors choose a letter's or emoji's
  // form.
  if (character == "\u200c" || character == "\u200d" || is_variation_selector(character)) return std::string(character);
  if (length == 1 && lead >= 0x20 && lead < 0x7F) return std::string(character);
  return escape_untrusted(character) == character ? std::string(character) : "_";
}

std::string clean_part(std::string_view raw) {
  if (raw == "..") return "_";
  std::string out;
  while (!raw.empty()) out += take_clean(raw);
  if (out == "." || out == "..") out = "_";
  // It would be taken for a file on its way, and be removed by Saver::remove_stale().
  if (std::string_view(out).ends_with(partial_suffix)) out[out.size() - partial_suffix.size()] = '_';
  return out;
}

}  // namespace

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::string safe_local_name(std::string_view wire_name) {
  std::vector<std::string> parts;
  for (const auto& raw : split_path(wire_name)) {
    if (raw == ".") continue;
    if (std::string part = clean_part(raw); !part.empty()) parts.push_back(fitted(part, "", most_part_bytes));
  }
  if (parts.empty()) parts.emplace_back("file");
  // Files that hide, options of commands ("-rf"), and names that one cannot see to begin with a blank.
  if (char& first = parts.front().front(); first == '.' || first == '-' || first == ' ') first = '_';

  // Too deep: the innermost directories go, the top and the file's own name stay.
  std::size_t bytes = parts.size() - 1;
  for (const auto& part : parts) bytes += part.size();
  while (parts.size() > most_parts || bytes > most_path_bytes) {
    bytes -= parts[parts.size() - 2].size() + 1;
    parts.erase(parts.end() - 2);
  }
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

// Not refused: it may be wanted. The caller says it, and asks where somebody can answer.
std::string risk_of(std::string_view name) {
  // As parts of a path, in any case: some file systems do not tell them apart.
  const std::string path = "/" + to_lower_ascii(name);
  const auto has = [&path](std::string_view part) { return path.find(part) != std::string::npos; };
  if (has("/.git/hooks/") || path.ends_with("/.git/config")) return "runs commands when git is used there";
  if (has("/.ssh/")) return "can let others log in, if it is in a home directory";
  for (const auto* shell :
       {"/.bashrc", "/.bash_profile", "/.bash_login", "/.profile", "/.zshrc", "/.zshenv", "/.envrc"})
    if (path.ends_with(shell)) return "is run by a shell that starts there";
  if (has("/.config/autostart/") || has("/.config/systemd/") || has("/.local/share/systemd/") || has("/start menu/"))
    return "is run at login, if it is in a home directory";
  if (path.ends_with("/.vscode/tasks.json") || path.ends_with("/.npmrc") || path.ends_with("/.gitconfig"))
    return "can run commands in programs that read it";
  return {};
}

std::string shortened_name(std::string_view leaf, std::size_t most) {
  return fitted(leaf, "", most);
}

std::string portable_name(std::string_view leaf, bool ascii) {
  constexpr std::string_view refused = ":?*\"<>|";
  std::string out;
  for (const char c : leaf) {
    const auto byte = static_cast<unsigned char>(c);
    if (ascii && (byte & 0xC0U) == 0x80U) continue;  // one '_' a character
    out += refused.find(c) != std::string_view::npos || (ascii && byte >= 0x80) ? '_' : c;
  }
  // Windows drops them silently: "a." and "a" would be one file.
  for (std::size_t end = out.size(); end > 0 && (out[end - 1] == '.' || out[end - 1] == ' '); --end) out[end - 1] = '_';
  return is_device_name(out) ? "_" + out : out;
}

std::string numbered_name(std::string_view leaf, unsigned number) {
  return fitted(leaf, number == 0 ? std::string() : " (" + std::to_string(number) + ")", most_part_bytes);
}

std::string partial_name(std::string_view leaf, const Id& file, bool lasting) {
  // By the id: two files of one name have two partials, and a later run finds its own.
  const std::string tail = (lasting ? "." : ".tmp.") + file.text().substr(0, 8) + std::string(partial_suffix);
  return "." + std::string(front(leaf, most_partial_bytes - 1 - tail.size())) + tail;
}

bool is_partial(std::string_view leaf) {
  return leaf.starts_with('.') && leaf.ends_with(partial_suffix);
}

bool is_passing_partial(std::string_view leaf) {
  constexpr std::size_t id_size = 8;
  constexpr std::string_view mark = ".tmp.";
  const std::size_t tail = mark.size() + id_size + partial_suffix.size();
  if (leaf.size() <= tail || leaf[0] != '.' || !leaf.ends_with(partial_suffix)) return false;
  return leaf.substr(leaf.size() - tail).starts_with(mark);
}

}  // namespace qrx::receive
