#include "seal/keys.h"

#include "base/random.h"
#include "base/text.h"
#include "seal/bech32.h"

namespace qrx::seal {
namespace {

constexpr std::string_view recipient_prefix = "age";
constexpr std::string_view identity_prefix = "age-secret-key-";

// Never repeats the text: it may be a secret, whole or in part.
Result<void> read_key(std::string_view text, std::string_view prefix, std::string_view what,
                      std::span<std::uint8_t> out) {
  const std::string subject(what);
  switch (bech32_decode(text, prefix, out)) {
    case Bech32::good:
      return {};
    case Bech32::mixed_case:
      return fail(Kind::usage, subject + " mixes upper and lower case");
    case Bech32::wrong_prefix:
      return fail(Kind::usage, subject + " is not an X25519 key of age v1");
    case Bech32::wrong_character:
      return fail(Kind::usage, subject + " has a character that no key has");
    case Bech32::wrong_length:
      return fail(Kind::usage, subject + " has the wrong length");
    case Bech32::wrong_checksum:
      break;
  }
  return fail(Kind::usage, subject + " is damaged: its checksum is wrong");
}

}  // namespace

Result<Recipient> Recipient::parse(std::string_view text) {
  Point point{};
  if (auto read = read_key(text, recipient_prefix, "the recipient key", point); !read)
    return tl::unexpected(std::move(read.error()));
  return Recipient(point);
}

std::string Recipient::text() const {
  return bech32_encode(recipient_prefix, as_bytes(point_));
}

Result<Identity> Identity::from(Key scalar) {
  auto key = X25519::create(scalar);
  if (!key) return tl::unexpected(std::move(key.error()));
  return Identity(std::move(scalar), *key);
}

Result<Identity> Identity::generate() {
  Key scalar;
  // Any 32 bytes are a key: X25519 clamps them itself (RFC 7748, 5).
  fill_random(scalar.span());
  return from(std::move(scalar));
}

Result<Identity> Identity::parse(std::string_view text) {
  Key scalar;
  if (auto read = read_key(text, identity_prefix, "the identity", scalar.span()); !read)
    return tl::unexpected(std::move(read.error()));
  return from(std::move(scalar));
}

std::string Identity::text() const {
  std::string text = bech32_encode(identity_prefix, scalar_.view());
  for (char& c : text)
    // By hand, so that the text stays in its one allocation, which wipe() reaches.
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

}  // namespace qrx::seal
