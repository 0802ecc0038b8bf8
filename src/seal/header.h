// The header of an age v1 file: who can open it (stanzas), and a MAC over that. Pure bytes to structs and back; strict
// as the specification (c2sp.org/age), so that each header has exactly one text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "seal/keys.h"

namespace qrx::seal {

// What an age v1 file begins with, its first newline included.
inline constexpr std::string_view magic = "age-encryption.org/v1\n";

// Limits of ours: the specification has none, and a header is read before anything in it is authenticated. An X25519
// stanza costs a scalar multiplication of some 40 µs; the longest stanza that age defines (ML-KEM-768 with P-256) has
// 1,600 bytes.
inline constexpr std::size_t most_header_bytes = 64 * 1024;
inline constexpr std::size_t most_line_bytes = 4096;
inline constexpr std::size_t most_stanzas = 128;

// Why a file cannot be opened.
enum class Refusal : std::uint8_t {
  not_age,           // does not begin as an age file: probably plain
  armored,           // age's text form, which is not read here
  other_version,     // a later age
  malformed_header,  // or one over our limits, or one that ends early
  passphrase,        // sealed with scrypt, to no key
  no_match,          // sealed to other keys
  changed_header,    // its MAC is wrong
  changed_payload,   // the tag of a chunk is wrong, or chunks are not in their order
  truncated,         // ends before its last chunk
  trailing,          // goes on after its last chunk
  no_crypto,         // nothing is wrong with the file: OpenSSL refuses to work
};

struct Refused {
  Refusal why = Refusal::malformed_header;
  const char* detail = "";  // a static text, or ""
};

// The sentence for people. Kind::unsupported for armored, other_version and passphrase, Kind::other for no_crypto,
// Kind::integrity for the rest.
Error explain(const Refused& refused);

template <class T>
using Opened = tl::expected<T, Refused>;

struct Stanza {
  std::vector<std::string> arguments;  // at least one; the first is the type
  std::vector<std::uint8_t> body;
  friend bool operator==(const Stanza&, const Stanza&) = default;
};

using Mac = std::array<std::uint8_t, 32>;
using FileKey = Secret<16>;

struct Header {
  std::vector<Stanza> stanzas;
  Mac mac{};
  std::string text;  // as read, from the first byte to the newline after the MAC

  std::string_view covered() const;  // what the MAC is over: up to and including "---"
};

// Reads a header as its bytes come, in time linear in their number whatever their pieces; refuses at the first byte
// that cannot be right, or over a limit.
class HeaderReader {
 public:
  // Takes bytes up to the end of the header; returns how many. After complete(), or a refusal, it takes nothing more.
  Opened<std::size_t> push(ByteView bytes);
  bool complete() const { return place_ == Place::end; }
  bool started() const { return place_ != Place::version; }  // the version line was read: it is an age v1 file
  const Header& header() const { return header_; }           // REQUIRES: complete()

 private:
  enum class Place : std::uint8_t { version, stanza, body, end };
  Opened<void> check_start() const;
  Opened<void> take_line(std::string_view line);
  Opened<void> take_arguments(std::string_view line);
  Opened<void> take_body(std::string_view line);
  Opened<void> take_mac(std::string_view line);

  Header header_;
  std::size_t line_start_ = 0;
  Place place_ = Place::version;
};

// The file key for this identity, when a stanza holds it and the MAC is right. All X25519 stanzas must be well formed,
// and scrypt must stand alone; what is unknown is passed over.
Opened<FileKey> unwrap(const Header& header, const Identity& identity);

// The header's text for one recipient. The ephemeral scalar must be random, and never used for another file key.
// Kind::usage when the recipient is a point of low order (no one holds its identity).
Result<std::string> write_header(const Recipient& recipient, const FileKey& file_key, const Key& ephemeral);

// Stanzas as text, version line and "---" included: what the MAC is computed over.
std::string write_covered(const std::vector<Stanza>& stanzas);
std::string write_mac_line_end(const Mac& mac);  // " <base64>\n": completes write_covered()

}  // namespace qrx::seal
