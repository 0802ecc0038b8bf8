#include "seal/header.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace qrx::seal {
namespace {

constexpr std::string_view stanza_mark = "-> ";
constexpr std::string_view mac_mark = "---";
constexpr std::string_view any_version = "age-encryption.org/";
constexpr std::string_view armor_mark = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::size_t columns = 64;  // of a body's full lines: 48 bytes
constexpr std::string_view x25519_type = "X25519";
constexpr std::string_view scrypt_type = "scrypt";
constexpr std::string_view x25519_info = "age-encryption.org/v1/X25519";
constexpr std::size_t wrapped_size = FileKey::size + tag_size;
constexpr std::array<std::uint8_t, nonce_size> zero_nonce{};  // each wrap key is used once

tl::unexpected<Refused> refuse(Refusal why, const char* detail = "") {
  return tl::unexpected(Refused{why, detail});
}

tl::unexpected<Refused> malformed(const char* detail) {
  return refuse(Refusal::malformed_header, detail);
}

std::string to_raw_base64(ByteView bytes) {
  std::string text = to_base64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::optional<std::vector<std::uint8_t>> from_raw_base64(std::string_view text) {
  if (text.find('=') != std::string_view::npos) return std::nullopt;
  std::string padded(text);
  while (padded.size() % 4 != 0) padded += '=';
  return from_base64(padded);
}

template <std::size_t N>
// Canonical base64 (the specification asks for it): two texts of one value would make two headers under one MAC.
bool read_exactly(std::string_view text, std::array<std::uint8_t, N>& out) {
  const auto bytes = from_raw_base64(text);
  if (!bytes || bytes->size() != N) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

bool agree(std::string_view text, std::string_view expected) {
  const std::size_t shared = std::min(text.size(), expected.size());
  return text.substr(0, shared) == expected.substr(0, shared);
}

Result<Key> wrap_key(const Key& shared, const Point& ephemeral, const Point& recipient) {
  std::array<std::uint8_t, 64> salt{};
  std::copy(ephemeral.begin(), ephemeral.end(), salt.begin());
  // age, "The X25519 recipient type": salt = ephemeral share || recipient.
  std::copy(recipient.begin(), recipient.end(), salt.begin() + 32);
  return hkdf_sha256(shared.view(), as_bytes(salt), x25519_info);
}

Result<Mac> mac_of(const FileKey& file_key, std::string_view covered) {
  // age, "Header MAC": HKDF with an empty salt and this label.
  const auto key = hkdf_sha256(file_key.view(), {}, "header");
  if (!key) return tl::unexpected(key.error());
  return hmac_sha256(key->view(), as_bytes(covered));
}

tl::unexpected<Refused> no_crypto() {
  return refuse(Refusal::no_crypto);
}

// nullopt: the stanza is for someone else.
Opened<std::optional<FileKey>> unwrap_stanza(const Stanza& stanza, const Point& share, const Identity& identity) {
  const auto shared = identity.key().shared(share);
  if (!shared) return no_crypto();
  // Of low order: the shared secret would be all zero, whoever the recipient is. The specification has the file
  // refused.
  if (!*shared) return malformed("an X25519 share is of low order");
  const auto key = wrap_key(**shared, share, identity.recipient().point());
  if (!key) return no_crypto();
  auto cipher = Aead::create(*key, Aead::Direction::open);
  if (!cipher) return no_crypto();
  FileKey file_key;
  // Not ours, or not right: the tag cannot tell which, so the next stanza is tried.
  if (!cipher->open(zero_nonce, as_bytes(stanza.body), std::as_writable_bytes(file_key.span()))) return std::nullopt;
  return file_key;
}

// The shares of the X25519 stanzas, each beside its stanza.
struct Share {
  const Stanza* stanza;
  Point point;
};

Opened<std::vector<Share>> x25519_shares(const Header& header) {
  std::vector<Share> shares;
  for (const Stanza& stanza : header.stanzas) {
    const std::string& type = stanza.arguments.front();
    if (type == scrypt_type)
      // A passphrase could also open the file, so it would not be known who sealed it: scrypt has to be alone.
      return header.stanzas.size() == 1 ? refuse(Refusal::passphrase) : malformed("a passphrase stanza is not alone");
    if (type != x25519_type) continue;
    Share share{&stanza, {}};
    if (stanza.arguments.size() != 2) return malformed("an X25519 stanza has not two arguments");
    if (!read_exactly(stanza.arguments[1], share.point)) return malformed("an X25519 share is not 32 bytes in base64");
    // Before any decryption: a longer body could open under two keys (partitioning oracle).
    if (stanza.body.size() != wrapped_size) return malformed("an X25519 stanza holds no 16-byte file key");
    shares.push_back(share);
  }
  return shares;
}

}  // namespace

Error explain(const Refused& refused) {
  const std::string detail = refused.detail[0] == '\0' ? "" : std::string(": ") + refused.detail;
  switch (refused.why) {
    case Refusal::not_age:
      return {Kind::integrity, "not an encrypted file: it does not begin as age files do", ""};
    case Refusal::armored:
      return {Kind::unsupported, "an encrypted file in age's armored text form is not opened here",
              "encrypt it without --armor, or open it with age -d"};
    case Refusal::other_version:
      return {Kind::unsupported, "the encrypted file is of another version than age v1", ""};
    case Refusal::malformed_header:
      return {Kind::integrity, "the encrypted file has a malformed header" + detail, ""};
    case Refusal::passphrase:
      return {Kind::unsupported, "the file is encrypted with a passphrase, not to a key", "open it with age -d"};
    case Refusal::no_match:
      return {Kind::integrity, "the file is encrypted to another key than this one", ""};
    case Refusal::changed_header:
      return {Kind::integrity, "the header of the encrypted file was changed", ""};
    case Refusal::changed_payload:
      return {Kind::integrity, "the encrypted file was changed" + detail, ""};
    case Refusal::truncated:
      return {Kind::integrity, "the encrypted file is cut off", ""};
    case Refusal::trailing:
      return {Kind::integrity, "the encrypted file continues after its end mark", ""};
    case Refusal::no_crypto:
      break;
  }
  return {Kind::other, "OpenSSL cannot do what decrypting needs", no_crypto_hint};
}

std::string_view Header::covered() const {
  // From the end: the MAC line is the last one.
  const std::size_t mac_line = text.rfind('\n', text.size() - 2) + 1;
  return std::string_view(text).substr(0, mac_line + mac_mark.size());
}

Opened<std::size_t> HeaderReader::push(ByteView bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && place_ != Place::end) {
    const ByteView rest = bytes.subspan(taken);
    // One byte more than a line may have is enough to refuse it. The text that was read is not looked at again: linear
    // in its size.
    const std::size_t room = line_start_ + most_line_bytes + 1 - header_.text.size();
    const std::string_view look = as_text(rest.first(std::min(rest.size(), room)));
    const std::size_t newline = look.find('\n');
    const std::size_t piece = newline == std::string_view::npos ? look.size() : newline + 1;
    header_.text += look.substr(0, piece);
    taken += piece;
    // After each piece, since a plain file may have no newline for gigabytes.
    if (auto right = check_start(); !right) return tl::unexpected(right.error());
    if (header_.text.size() > most_header_bytes) return malformed("it is longer than 64 KiB");
    if (newline == std::string_view::npos) {
      if (header_.text.size() - line_start_ > most_line_bytes) return malformed("a line is longer than 4,096 bytes");
      continue;
    }
    const std::size_t start = line_start_;
    line_start_ = header_.text.size();
    const std::string_view line = std::string_view(header_.text).substr(start, line_start_ - 1 - start);
    if (auto right = take_line(line); !right) return tl::unexpected(right.error());
  }
  return taken;
}

// Tells at the first wrong byte of the version line, so that a plain file is not read for a newline that never comes.
Opened<void> HeaderReader::check_start() const {
  const std::string_view text = header_.text;
  if (place_ != Place::version || agree(text, magic)) return {};
  if (agree(text, armor_mark)) return text.size() < armor_mark.size() ? Opened<void>() : refuse(Refusal::armored);
  if (!agree(text, any_version)) return refuse(Refusal::not_age);
  return refuse(Refusal::other_version);
}

Opened<void> HeaderReader::take_line(std::string_view line) {
  switch (place_) {
    case Place::version:
      if (line.size() + 1 != magic.size()) return refuse(Refusal::not_age);
      place_ = Place::stanza;
      return {};
    case Place::stanza:
      if (line.starts_with(stanza_mark)) return take_arguments(line.substr(stanza_mark.size()));
      if (line.starts_with(mac_mark)) return take_mac(line.substr(mac_mark.size()));
      return malformed("a line is neither a stanza nor the MAC");
    case Place::body:
      return take_body(line);
    case Place::end:
      break;
  }
  return {};
}

Opened<void> HeaderReader::take_arguments(std::string_view line) {
  if (header_.stanzas.size() == most_stanzas) return malformed("it has more than 128 stanzas");
  Stanza stanza;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t stop = std::min(line.find(' ', start), line.size());
    const std::string_view argument = line.substr(start, stop - start);
    if (argument.empty()) return malformed("a stanza has an empty argument");
    if (!std::all_of(argument.begin(), argument.end(), is_visible)) return malformed("a stanza has a wrong character");
    stanza.arguments.emplace_back(argument);
    start = stop + 1;
  }
  header_.stanzas.push_back(std::move(stanza));
  place_ = Place::body;
  return {};
}

Opened<void> HeaderReader::take_body(std::string_view line) {
  if (line.size() > columns) return malformed("a stanza's body has a line of more than 64 columns");
  const auto bytes = from_raw_base64(line);
  if (!bytes) return malformed("a stanza's body is not canonical base64");
  auto& body = header_.stanzas.back().body;
  body.insert(body.end(), bytes->begin(), bytes->end());
  // A full line is followed by another, if need be an empty one.
  if (line.size() < columns) place_ = Place::stanza;
  return {};
}

Opened<void> HeaderReader::take_mac(std::string_view line) {
  if (header_.stanzas.empty()) return malformed("it has no stanza");
  if (!line.starts_with(' ') || !read_exactly(line.substr(1), header_.mac))
    return malformed("its MAC is not 32 bytes in base64");
  place_ = Place::end;
  return {};
}

Opened<FileKey> unwrap(const Header& header, const Identity& identity) {
  const auto shares = x25519_shares(header);
  if (!shares) return tl::unexpected(shares.error());
  for (const Share& share : *shares) {
    // Unwrapped before the MAC is checked: only the file key gives the key of the MAC.
    auto file_key = unwrap_stanza(*share.stanza, share.point, identity);
    if (!file_key) return tl::unexpected(file_key.error());
    if (!*file_key) continue;
    const auto mac = mac_of(**file_key, header.covered());
    if (!mac) return no_crypto();
    // In constant time: the MAC is secret until it is right.
    if (!equal_constant_time(as_bytes(*mac), as_bytes(header.mac))) return refuse(Refusal::changed_header);
    return std::move(**file_key);
  }
  return refuse(Refusal::no_match);
}

Result<std::string> write_header(const Recipient& recipient, const FileKey& file_key, const Key& ephemeral) {
  const auto mine = X25519::create(ephemeral);
  if (!mine) return tl::unexpected(mine.error());
  const auto shared = mine->shared(recipient.point());
  if (!shared) return tl::unexpected(shared.error());
  // Refused: the wrapped key would be open to everybody.
  if (!*shared) return fail(Kind::usage, "the recipient key is one that nobody can hold");
  const auto key = wrap_key(**shared, mine->point(), recipient.point());
  if (!key) return tl::unexpected(key.error());
  auto cipher = Aead::create(*key, Aead::Direction::seal);
  if (!cipher) return tl::unexpected(cipher.error());
  Stanza stanza{{std::string(x25519_type), to_raw_base64(as_bytes(mine->point()))},
                std::vector<std::uint8_t>(wrapped_size)};
  if (!cipher->seal(zero_nonce, file_key.view(), std::as_writable_bytes(std::span(stanza.body))))
    return fail(Kind::other, "OpenSSL cannot wrap a file key");
  // The MAC covers everything up to "---"; its value follows on the same line.
  std::string text = write_covered({std::move(stanza)});
  const auto mac = mac_of(file_key, text);
  if (!mac) return tl::unexpected(mac.error());
  return text + write_mac_line_end(*mac);
}

std::string write_covered(const std::vector<Stanza>& stanzas) {
  std::string text(magic);
  for (const Stanza& stanza : stanzas) {
    text += stanza_mark.substr(0, 2);
    for (const std::string& argument : stanza.arguments) text += ' ' + argument;
    text += '\n';
    const std::string body = to_raw_base64(as_bytes(stanza.body));
    for (std::size_t start = 0; start < body.size(); start += columns) text += body.substr(start, columns) + '\n';
    if (body.size() % columns == 0) text += '\n';  // a body ends with a short line, if need be an empty one
  }
  text += mac_mark;
  return text;
}

std::string write_mac_line_end(const Mac& mac) {
  return ' ' + to_raw_base64(as_bytes(mac)) + '\n';
}

}  // namespace qrx::seal
