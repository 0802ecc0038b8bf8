#include "seal/fingerprint.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/text.h"
#include "seal/primitives.h"
#include "seal/words.h"

namespace qrx::seal {
namespace {

constexpr std::size_t words_shown = 4;
constexpr unsigned bits_a_word = 10;
static_assert(word_count == std::size_t{1} << bits_a_word);

// What one guess costs whoever looks for another link with the same words.
constexpr std::uint64_t scrypt_n = 1 << 14;
constexpr std::uint64_t scrypt_r = 8;
constexpr std::uint64_t scrypt_p = 1;
constexpr std::uint64_t scrypt_memory = 32U << 20;  // a bound for OpenSSL's own check: N * r * 128 is 16 MiB

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> found;
  bool within = false;
  // Letters only: what people type between the words does not matter.
  for (const char c : to_lower_ascii(text)) {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter && !within) found.emplace_back();
    if (letter) found.back() += c;
    within = letter;
  }
  return found;
}

}  // namespace

Result<std::string> fingerprint(std::string_view authority, std::string_view guid, std::string_view recipient) {
  // Newlines are in none of the three, so no two links give the same text. In lower case, as codes are in upper case.
  const std::string link =
      to_lower_ascii(std::string(authority) + '\n' + std::string(guid) + '\n' + std::string(recipient));
  constexpr std::string_view salt = "qrx fingerprint v1";
  std::array<std::uint8_t, 8> bits{};
  if (EVP_PBE_scrypt(link.data(), link.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                     scrypt_n, scrypt_r, scrypt_p, scrypt_memory, bits.data(), bits.size()) != 1)
    return fail(Kind::other, "OpenSSL cannot do scrypt", no_crypto_hint);
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bits) value = (value << 8) | byte;
  std::string text;
  for (std::size_t i = 0; i < words_shown; ++i) {
    if (i > 0) text += '-';
    text += words[value >> (64 - bits_a_word)];
    value <<= bits_a_word;
  }
  return text;
}

bool same_words(std::string_view a, std::string_view b) {
  const auto wanted = words_in(a);
  return !wanted.empty() && wanted == words_in(b);
}

}  // namespace qrx::seal
