#include "unit/catch.h"

#include <string>

#include "base/bytes.h"
#include "seal/header.h"

using namespace qrx;
using namespace qrx::seal;

namespace {

const std::string share = "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc";
const std::string stanza = "-> X25519 " + share + "\nEmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n";
const std::string mac_line = "--- GRjUy1ShNhFoV3cQikdtUZqDeDEZSrbtNXUgDtDbwC8\n";

Opened<Header> read(std::string_view text, std::size_t piece = 1U << 20) {
  HeaderReader reader;
  for (std::size_t start = 0; start < text.size() && !reader.complete(); start += piece) {
    const auto taken = reader.push(as_bytes(text.substr(start, piece)));
    if (!taken) return tl::unexpected(taken.error());
  }
  if (!reader.complete()) return tl::unexpected(Refused{Refusal::truncated, ""});
  return reader.header();
}

std::string why(std::string_view text) {
  const auto header = read(text);
  return header ? "accepted" : explain(header.error()).what;
}

std::string header_of(const std::string& stanzas) {
  return std::string(magic) + stanzas + mac_line;
}

}  // namespace

TEST_CASE("a header is read in pieces of any size, to its last byte and no further") {
  const std::string text = header_of("-> a-grease ! ~ x\n\n" + stanza);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()}) {
    const auto header = read(text + "payload", piece);
    REQUIRE(header);
    CHECK(header->text == text);
    REQUIRE(header->stanzas.size() == 2);
    CHECK(header->stanzas[0].arguments == std::vector<std::string>{"a-grease", "!", "~", "x"});
    CHECK(header->stanzas[0].body.empty());
    CHECK(header->stanzas[1].arguments == std::vector<std::string>{"X25519", share});
    CHECK(header->stanzas[1].body.size() == 32);
    CHECK(header->covered() == text.substr(0, text.size() - mac_line.size() + 3));
    CHECK(write_covered(header->stanzas) + write_mac_line_end(header->mac) == text);
  }
  HeaderReader reader;
  CHECK(*reader.push(as_bytes(text + "payload")) == text.size());
  CHECK(*reader.push(as_bytes("more")) == 0);
}

TEST_CASE("bodies are wrapped at 64 columns and end with a short line, if need be an empty one") {
  for (const std::size_t size : {0, 1, 47, 48, 49, 96, 1000}) {
    const std::vector<Stanza> stanzas = {{{"test"}, std::vector<std::uint8_t>(size, 0xa5)}};
    const std::string text = write_covered(stanzas) + write_mac_line_end({});
    const auto header = read(text);
    REQUIRE(header);
    CHECK(header->stanzas == stanzas);
    CHECK(header->text == text);
  }
}

TEST_CASE("what is no age header is refused, with what is wrong with it") {
  CHECK(why(header_of(stanza)) == "accepted");
  CHECK(why("GIF89a") == "not an encrypted file: it does not begin as age files do");
  CHECK(why("age-encryption.org/v2\n") == "the encrypted file is of another version than age v1");
  CHECK(why("age-encryption.org/v1\r\n") == "the encrypted file is of another version than age v1");
  CHECK(why("-----BEGIN AGE ENCRYPTED FILE-----\n") ==
        "an encrypted file in age's armored text form is not opened here");
  CHECK(why("-----BEGIN PGP MESSAGE-----\n") == "not an encrypted file: it does not begin as age files do");

  const std::string malformed = "the encrypted file has a malformed header: ";
  CHECK(why(header_of("")) == malformed + "it has no stanza");
  CHECK(why(header_of("\n")) == malformed + "a line is neither a stanza nor the MAC");
  CHECK(why(header_of("->X25519\n\n")) == malformed + "a line is neither a stanza nor the MAC");
  CHECK(why(header_of("-> \n\n")) == malformed + "a stanza has an empty argument");
  CHECK(why(header_of("-> a  b\n\n")) == malformed + "a stanza has an empty argument");
  CHECK(why(header_of("-> a \n\n")) == malformed + "a stanza has an empty argument");
  CHECK(why(header_of("-> a\tb\n\n")) == malformed + "a stanza has a wrong character");
  CHECK(why(header_of("-> \xc3\xa9\n\n")) == malformed + "a stanza has a wrong character");
  CHECK(why(header_of("-> a\nAA==\n")) == malformed + "a stanza's body is not canonical base64");
  CHECK(why(header_of("-> a\nAB\n")) == malformed + "a stanza's body is not canonical base64");
  CHECK(why(header_of("-> a\nA\n")) == malformed + "a stanza's body is not canonical base64");
  CHECK(why(header_of("-> a\nAAAA\r\n")) == malformed + "a stanza's body is not canonical base64");
  CHECK(why(header_of("-> a\n" + std::string(68, 'A') + "\n")) ==
        malformed + "a stanza's body has a line of more than 64 columns");
  CHECK(why(header_of("-> a\n" + std::string(64, 'A') + "\n")) ==
        malformed + "a stanza's body is not canonical base64");
  CHECK(why(std::string(magic) + stanza + "---\n") == malformed + "its MAC is not 32 bytes in base64");
  CHECK(why(std::string(magic) + stanza + "--- AAAA\n") == malformed + "its MAC is not 32 bytes in base64");
  CHECK(why(std::string(magic) + stanza + "---  " + mac_line.substr(4)) ==
        malformed + "its MAC is not 32 bytes in base64");
}

TEST_CASE("a plain file is told at its first wrong byte, without waiting for a newline") {
  HeaderReader reader;
  CHECK(reader.push(as_bytes("age-encryption.o")));
  const auto taken = reader.push(as_bytes("x"));
  REQUIRE_FALSE(taken);
  CHECK(taken.error().why == Refusal::not_age);
}

TEST_CASE("floods of stanzas, long lines and long headers are refused before they are stored") {
  std::string many;
  for (std::size_t i = 0; i < most_stanzas; ++i) many += "-> g\n\n";
  CHECK(why(header_of(many)) == "accepted");
  CHECK(why(header_of(many + "-> g\n\n")) == "the encrypted file has a malformed header: it has more than 128 stanzas");
  CHECK(why(header_of("-> " + std::string(most_line_bytes - 3, 'a') + "\n\n")) == "accepted");
  CHECK(why(header_of("-> " + std::string(most_line_bytes - 2, 'a') + "\n\n")) ==
        "the encrypted file has a malformed header: a line is longer than 4,096 bytes");
  std::string body;
  while (body.size() < most_header_bytes) body += std::string(64, 'A') + "\n";
  CHECK(why(header_of("-> g\n" + body + "\n")) ==
        "the encrypted file has a malformed header: it is longer than 64 KiB");
}

TEST_CASE("a header made for a recipient gives its identity the file key, and no one else") {
  const auto identity = Identity::generate();
  const auto stranger = Identity::generate();
  FileKey file_key;
  file_key.span()[3] = 77;
  Key ephemeral;
  ephemeral.span()[0] = 1;
  const auto text = write_header(identity->recipient(), file_key, ephemeral);
  REQUIRE(text);
  const auto header = read(*text);
  REQUIRE(header);
  CHECK(to_hex(unwrap(*header, *identity)->view()) == to_hex(file_key.view()));
  CHECK(unwrap(*header, *stranger).error().why == Refusal::no_match);
}

TEST_CASE("stanzas after, before and between ours are passed over; the MAC covers them") {
  const auto identity = Identity::generate();
  const FileKey file_key;
  Key ephemeral;
  ephemeral.span()[5] = 9;
  const auto alone = read(*write_header(identity->recipient(), file_key, ephemeral));
  std::vector<Stanza> stanzas = {
      {{"x-grease", "1"}, std::vector<std::uint8_t>(100)}, alone->stanzas[0], {{"last"}, {}}};
  const std::string covered = write_covered(stanzas);
  const auto key = hkdf_sha256(file_key.view(), {}, "header");
  const auto mac = hmac_sha256(key->view(), as_bytes(covered));
  auto header = read(covered + write_mac_line_end(*mac));
  REQUIRE(header);
  CHECK(unwrap(*header, *identity));

  std::string changed = header->text;
  changed[changed.find("x-grease")] = 'y';
  CHECK(unwrap(*read(changed), *identity).error().why == Refusal::changed_header);
  changed = header->text;
  changed.erase(changed.find("-> last"), 9);
  CHECK(unwrap(*read(changed), *identity).error().why == Refusal::changed_header);
}

TEST_CASE("a passphrase file is refused as what it is, and a mixed one as malformed") {
  const auto identity = Identity::generate();
  const std::string scrypt = "-> scrypt ajMFur+EJLGaohv/dLRGnw 18\n8SHBz/ldWnjyGFQqfjat6uNBarWqqEMDS7W8X7+Xq5Q\n";
  const auto passphrase = unwrap(*read(header_of(scrypt)), *identity);
  REQUIRE_FALSE(passphrase);
  CHECK(passphrase.error().why == Refusal::passphrase);
  CHECK(explain(passphrase.error()).kind == Kind::unsupported);
  CHECK(unwrap(*read(header_of(scrypt + stanza)), *identity).error().why == Refusal::malformed_header);
  CHECK(unwrap(*read(header_of(scrypt + scrypt)), *identity).error().why == Refusal::malformed_header);
}

TEST_CASE("an X25519 stanza that is not exactly one is malformed, before anything is decrypted") {
  const auto identity = Identity::generate();
  const auto reason = [&](const std::string& arguments, const std::string& body) {
    const auto header = read(header_of("-> X25519" + arguments + "\n" + body + "\n" + stanza));
    REQUIRE(header);
    const auto opened = unwrap(*header, *identity);
    REQUIRE_FALSE(opened);
    return std::string(opened.error().detail);
  };
  const std::string body(43, 'A');
  CHECK(reason(" " + share, body).empty());  // merely for someone else
  CHECK(reason(" " + share, body + "A") == "an X25519 stanza holds no 16-byte file key");
  CHECK(reason(" " + share, "") == "an X25519 stanza holds no 16-byte file key");
  CHECK(reason("", body) == "an X25519 stanza has not two arguments");
  CHECK(reason(" " + share + " x", body) == "an X25519 stanza has not two arguments");
  CHECK(reason(" " + share.substr(1), body) == "an X25519 share is not 32 bytes in base64");
  CHECK(reason(" " + share + "=", body) == "an X25519 share is not 32 bytes in base64");
  CHECK(reason(" " + std::string(43, 'A'), body) == "an X25519 share is of low order");
}

TEST_CASE("a recipient of low order is refused before anything is sealed to it") {
  const auto header = write_header(Recipient(Point{}), FileKey{}, Key{});
  REQUIRE_FALSE(header);
  CHECK(header.error().kind == Kind::usage);
}
