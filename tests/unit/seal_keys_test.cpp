#include "unit/catch.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/text.h"
#include "seal/bech32.h"
#include "seal/keys.h"
#include "seal/primitives.h"

using namespace qrx;
using namespace qrx::seal;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> bytes(std::string_view hex) {
  const auto decoded = from_hex(hex);
  REQUIRE(decoded);
  REQUIRE(decoded->size() == N);
  std::array<std::uint8_t, N> out{};
  std::copy(decoded->begin(), decoded->end(), out.begin());
  return out;
}

Key key(std::string_view hex) {
  Key out;
  const auto decoded = bytes<32>(hex);
  std::copy(decoded.begin(), decoded.end(), out.data());
  return out;
}

// The pair that stands in the specification (c2sp.org/age).
const std::string spec_identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const std::string spec_recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

}  // namespace

TEST_CASE("X25519 computes what RFC 7748 says") {
  const auto shared = X25519::create(key("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
                          ->shared(bytes<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"));
  REQUIRE(shared);
  REQUIRE(*shared);
  CHECK(to_hex((*shared)->view()) == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  const std::string nine = "09" + std::string(62, '0');
  CHECK(to_hex(X25519::create(key(nine))->point()) ==
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

TEST_CASE("a point of low order has no shared secret") {
  const auto secret = X25519::create(key(std::string(64, '7')));
  // RFC 7748, section 6.1, asks for the check; the points are the order-1, -2, -4 and -8 ones of Curve25519.
  for (const std::string_view point : {"0000000000000000000000000000000000000000000000000000000000000000",
                                       "0100000000000000000000000000000000000000000000000000000000000000",
                                       "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                       "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                       "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    const auto shared = secret->shared(bytes<32>(point));
    REQUIRE(shared);
    CHECK_FALSE(*shared);
  }
}

TEST_CASE("HKDF and HMAC compute what RFC 5869 and RFC 4231 say") {
  const auto ikm = bytes<22>("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
  const auto salt = bytes<13>("000102030405060708090a0b0c");
  const auto info = bytes<10>("f0f1f2f3f4f5f6f7f8f9");
  CHECK(to_hex(hkdf_sha256(as_bytes(ikm), as_bytes(salt), as_text(as_bytes(info)))->view()) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");  // test case 1, the first 32 bytes
  CHECK(to_hex(hkdf_sha256(as_bytes(ikm), {}, "")->view()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");  // test case 3, likewise
  CHECK(to_hex(*hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("a cipher opens what it sealed, in place too, and wipes what it does not open") {
  const Key secret = key(std::string(64, '3'));
  auto sealing = Aead::create(secret, Aead::Direction::seal);
  auto opening = Aead::create(secret, Aead::Direction::open);
  REQUIRE(sealing);
  REQUIRE(opening);
  const std::array<std::uint8_t, nonce_size> nonce{1, 2, 3};
  for (const std::size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 4096}) {
    const std::vector<std::byte> plain(size, std::byte{42});
    std::vector<std::byte> sealed = plain;
    sealed.resize(size + tag_size);
    REQUIRE(sealing->seal(nonce, std::span(sealed).first(size), sealed));
    std::vector<std::byte> opened(size);
    REQUIRE(opening->open(nonce, sealed, opened));
    CHECK(opened == plain);
    sealed.back() ^= std::byte{1};
    CHECK_FALSE(opening->open(nonce, sealed, opened));
    CHECK(std::all_of(opened.begin(), opened.end(), [](std::byte b) { return b == std::byte{0}; }));
  }
  std::array<std::byte, 3> small{};
  CHECK_FALSE(sealing->seal(nonce, small, small));  // no room for the tag
  CHECK_FALSE(opening->open(nonce, small, {}));     // shorter than a tag
}

TEST_CASE("Bech32 reads and writes the vectors of BIP 173") {
  std::array<std::uint8_t, 20> twenty{};
  CHECK(bech32_decode("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", twenty) == Bech32::good);
  CHECK(to_hex(twenty) == "00443214c74254b635cf84653a56d7c675be77df");
  CHECK(bech32_encode("abcdef", as_bytes(twenty)) == "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw");
  std::array<std::uint8_t, 30> thirty{};
  CHECK(bech32_decode("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split", thirty) == Bech32::good);
  CHECK(to_hex(thirty) == "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d");
  CHECK(bech32_decode("A12UEL5L", "a", {}) == Bech32::good);
  CHECK(bech32_decode("A1G7SGD8", "a", {}) == Bech32::wrong_checksum);  // computed over the upper-case prefix
  CHECK(bech32_decode("a12UEL5L", "a", {}) == Bech32::mixed_case);
  CHECK(bech32_decode("pzry9x0s0muk", "p", {}) == Bech32::wrong_prefix);  // no separator
  CHECK(bech32_decode("a1b2uel5l", "a", {}) == Bech32::wrong_character);
  CHECK(bech32_decode("a1", "a", {}) == Bech32::wrong_length);
  CHECK(bech32_decode("", "a", {}) == Bech32::wrong_prefix);
}

TEST_CASE("the key pair of the age specification is read and written, in both cases") {
  const auto identity = Identity::parse(spec_identity);
  REQUIRE(identity);
  CHECK(identity->recipient().text() == spec_recipient);
  CHECK(identity->text() == spec_identity);
  CHECK(*Recipient::parse(spec_recipient) == identity->recipient());
  CHECK(*Recipient::parse(to_upper_ascii(spec_recipient)) == identity->recipient());
  CHECK(Identity::parse(to_lower_ascii(spec_identity))->recipient() == identity->recipient());
}

TEST_CASE("every one-letter change of a key is noticed, and mixed case is refused") {
  for (std::size_t i = 4; i < spec_recipient.size(); ++i) {
    std::string changed = spec_recipient;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    CHECK_FALSE(Recipient::parse(changed));
    changed = spec_recipient;
    if (changed[i] < 'a') continue;
    changed[i] = static_cast<char>(changed[i] - 'a' + 'A');
    CHECK(Recipient::parse(changed).error().what == "the recipient key mixes upper and lower case");
  }
  CHECK_FALSE(Recipient::parse(""));
  CHECK_FALSE(Recipient::parse(spec_identity));
  CHECK_FALSE(Identity::parse(spec_recipient));
  CHECK_FALSE(Recipient::parse(spec_recipient + "q"));
  CHECK_FALSE(Recipient::parse(" " + spec_recipient));
}

TEST_CASE("an error about an identity repeats nothing of it") {
  std::string damaged = spec_identity;
  damaged[30] = 'Q';
  const auto parsed = Identity::parse(damaged);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == Kind::usage);
  CHECK(parsed.error().what == "the identity is damaged: its checksum is wrong");
  CHECK(parsed.error().hint.empty());
}

TEST_CASE("generated identities differ and survive their text") {
  const auto one = Identity::generate();
  const auto other = Identity::generate();
  REQUIRE(one);
  REQUIRE(other);
  CHECK_FALSE(one->recipient() == other->recipient());
  CHECK(one->text().size() == 74);
  CHECK(Identity::parse(one->text())->recipient() == one->recipient());
  CHECK(*Recipient::parse(one->recipient().text()) == one->recipient());
}

TEST_CASE("secrets are wiped where they were moved from, and never copied by accident") {
  static_assert(!std::is_copy_constructible_v<Key>);
  static_assert(!std::is_copy_constructible_v<Identity>);
  Key first = key(std::string(64, 'a'));
  const Key second = std::move(first);
  CHECK(to_hex(second.view()) == std::string(64, 'a'));
  CHECK(to_hex(first.view()) == std::string(64, '0'));  // NOLINT: what a move leaves behind is the point
  std::string text = "AGE-SECRET-KEY-1 that is long enough for the heap";
  const char* where = text.data();
  const std::size_t size = text.size();
  wipe(text);
  CHECK(text.empty());
  CHECK(std::all_of(where, where + size, [](char c) { return c == '\0'; }));
}
