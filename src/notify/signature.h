// HMAC-SHA256 (RFC 2104), with which hooks are signed.
#pragma once

#include <string>
#include <string_view>

namespace qrx::notify {

std::string hmac_sha256(std::string_view key, std::string_view message);  // 32 bytes
std::string hmac_sha256_base64(std::string_view key, std::string_view message);

}  // namespace qrx::notify
