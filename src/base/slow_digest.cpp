#include "base/slow_digest.h"

#include <openssl/evp.h>

namespace qrx {

std::array<std::byte, 32> slow_digest(ByteView secret, ByteView salt) {
  // N and r as RFC 7914 has them: 128 * N * r bytes of memory, and a bound above it for OpenSSL's own check.
  constexpr std::uint64_t n = 1U << 15, r = 8, p = 1, most_memory = 48U << 20;
  std::array<std::byte, 32> out{};
  const auto text = as_text(secret);
  if (EVP_PBE_scrypt(text.data(), text.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), n, r,
                     p, most_memory, reinterpret_cast<unsigned char*>(out.data()), out.size()) != 1)
    out.fill(std::byte{});
  return out;
}

}  // namespace qrx
