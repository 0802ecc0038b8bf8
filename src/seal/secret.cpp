#include "seal/secret.h"

#include <openssl/crypto.h>

namespace qrx::seal {

void wipe(std::span<std::byte> bytes) noexcept {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

void wipe(std::string& text) noexcept {
  text.resize(text.capacity());  // bytes of an earlier, longer value lie behind the end
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace qrx::seal
