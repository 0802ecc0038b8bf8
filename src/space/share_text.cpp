#include "space/share_text.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/text.h"
#include "wire/limits.h"
#include "wire/share_messages.h"

namespace qrx::space {
namespace {

// Reasons come from mail servers and commands, and are kept in the history of a share.
constexpr std::size_t most_reason_bytes = 300;

// RFC 2104, with SHA-256, whose block has 64 bytes; ipad is 0x36, opad 0x5C.
Sha256Sum hmac_sha256(ByteView key, ByteView text) {
  std::array<std::uint8_t, 64> block{};
  if (key.size() <= block.size()) {
    std::copy_n(reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), block.begin());
  } else {
    const Sha256Sum hashed = sha256(key);
    std::copy(hashed.begin(), hashed.end(), block.begin());
  }
  const auto keyed = [&block](std::uint8_t pad, ByteView message) {
    std::array<std::uint8_t, 64> padded;
    std::transform(block.begin(), block.end(), padded.begin(),
                   [pad](std::uint8_t byte) { return static_cast<std::uint8_t>(byte ^ pad); });
    Sha256 sum;
    sum.update(as_bytes(padded));
    sum.update(message);
    return sum.sum();
  };
  const Sha256Sum inner = keyed(0x36, text);
  return keyed(0x5C, as_bytes(inner));
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

// Ends of host names that programs make links of by themselves. Those that are file extensions as well (zip, md, py)
// are left out: "minutes.md" is no link.
constexpr std::array<std::string_view, 32> common_ends = {
    "com",  "net",    "org",  "info", "biz",  "io",    "co",   "app",  "dev", "xyz", "top",
    "site", "online", "shop", "club", "link", "click", "live", "me",   "tv",  "cc",  "ru",
    "cn",   "de",     "uk",   "eu",   "us",   "icu",   "vip",  "work", "win", "ly"};

// "anna@example.org" is an address to write to, which no program opens when it is touched by mistake.
bool is_in_mail_address(std::string_view text, std::size_t dot, std::size_t end) {
  if (end < text.size() && (text[end] == '/' || text[end] == ':')) return false;
  std::size_t begin = dot;
  while (begin > 0 && (is_word(text[begin - 1]) || text[begin - 1] == '.')) --begin;
  if (begin > 1 && text[begin - 1] == '@' && is_word(text[begin - 2])) return true;
  // Before the @: "anna.beispiel@".
  std::size_t at = dot;
  while (at < text.size() && (is_word(text[at]) || text[at] == '.' || text[at] == '_' || text[at] == '+')) ++at;
  return at < text.size() && text[at] == '@';
}

// Something like host.example/path, example.com or 192.0.2.1 in a text of lower case. The message goes out in the
// server's name: a link in it would be phishing with a trusted sender. This errs on the side of refusing, and is no
// parser of URLs.
bool names_a_host(std::string_view text) {
  for (auto dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', dot + 1)) {
    if (dot == 0 || !is_word(text[dot - 1])) continue;
    std::size_t end = dot + 1;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string_view label = text.substr(dot + 1, end - dot - 1);
    if (label.empty() || is_in_mail_address(text, dot, end)) continue;
    const bool goes_on = end < text.size() && text[end] == '.' && end + 1 < text.size() && is_word(text[end + 1]);
    const bool has_path = end < text.size() && (text[end] == '/' || (text[end] == ':' && end + 1 < text.size() &&
                                                                     text[end + 1] >= '0' && text[end + 1] <= '9'));
    const bool letters = std::all_of(label.begin(), label.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (has_path && (letters || goes_on) && label.size() > 1) return true;
    if (!goes_on && letters && std::find(common_ends.begin(), common_ends.end(), label) != common_ends.end())
      return true;
  }
  // Four numbers with dots between them.
  std::size_t numbers = 0;
  bool in_number = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !in_number) ++numbers;
    if (numbers == 4) return true;
    if (!digit && c != '.') numbers = 0;
    in_number = digit;
  }
  return false;
}

}  // namespace

std::string link_token(std::string_view owner_token, const Id& share) {
  const Sha256Sum sum = hmac_sha256(as_bytes(owner_token), as_bytes("qrx share " + share.text()));
  // The first 160 bits, the length of every token.
  Token token;
  std::copy_n(sum.begin(), token.bytes.size(), token.bytes.begin());
  return token.text();
}

Result<void> check_share_message(std::string_view message) {
  if (message.size() > wire::most_share_message_bytes)
    return fail(Kind::usage, "the message is longer than " + std::to_string(wire::most_share_message_bytes) + " bytes");
  // Line ends are fine, and so is what puts emoji together (ZWJ, and the variation selector after it).
  std::string visible(message);
  for (const std::string_view fine : {"\n", "\u200D", "\uFE0F"})
    for (auto at = visible.find(fine); at != std::string::npos; at = visible.find(fine, at))
      visible.erase(at, fine.size());
  if (!is_valid_utf8(message) || escape_untrusted(visible) != visible)
    return fail(Kind::usage, "the message is not plain text: it has control or invisible characters");
  const std::string lower = to_lower_ascii(message);
  if (lower.find("://") != std::string::npos || lower.find("www.") != std::string::npos || names_a_host(lower))
    return fail(Kind::usage, "the message may not contain links", "the recipients get the link of the space anyway");
  return {};
}

std::string one_line(std::string_view reason) {
  std::string out;
  for (const char c : reason) out += static_cast<unsigned char>(c) < ' ' || c == '\x7F' ? ' ' : c;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() <= most_reason_bytes) return out;
  std::size_t end = most_reason_bytes;
  // Not within a UTF-8 sequence, whose further bytes are 10xxxxxx.
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
  out.resize(end);
  return out;
}

// ITU-T E.164 assigns codes so that none begins another: +1 and +7, the two-digit ones below, and three digits
// otherwise.
std::string country_of(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  if (number.empty()) return {};
  if (number[0] == '1' || number[0] == '7') return std::string(number.substr(0, 1));
  constexpr std::string_view two =
      " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
      "90 91 92 93 94 95 98 ";
  const std::string start = " " + std::string(number.substr(0, 2)) + " ";
  return std::string(number.substr(0, two.find(start) != std::string_view::npos ? 2 : 3));
}

}  // namespace qrx::space
