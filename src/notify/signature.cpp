#include "notify/signature.h"

#include "base/bytes.h"
#include "base/checksum.h"

namespace qrx::notify {
namespace {

// RFC 2104: the block size of SHA-256.
constexpr std::size_t block = 64;

std::string digest(std::string_view first, std::string_view second) {
  Sha256 sum;
  sum.update(as_bytes(first));
  sum.update(as_bytes(second));
  const Sha256Sum out = sum.sum();
  return {out.begin(), out.end()};
}

}  // namespace

// By hand: src/LAYERS gives this folder no OpenSSL.
std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string padded(key.size() > block ? digest(key, "") : std::string(key));
  padded.resize(block, '\0');
  std::string inner = padded;
  std::string outer = padded;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5C);
  return digest(outer, digest(inner, message));
}

std::string hmac_sha256_base64(std::string_view key, std::string_view message) {
  return to_base64(as_bytes(hmac_sha256(key, message)));
}

}  // namespace qrx::notify
