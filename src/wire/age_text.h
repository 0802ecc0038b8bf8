// How the keys of age v1 look as text (age-encryption.org/v1): Bech32 (BIP 173) of 32 bytes. Their checksums are
// checked where files are sealed and opened (seal/keys.h): a server or a link only sees whether it is a key at all.
#pragma once

#include <cstddef>
#include <string_view>

namespace qrx::wire {

inline constexpr std::size_t age_recipient_size = 62;
inline constexpr std::size_t age_identity_size = 74;

bool is_age_recipient(std::string_view text);  // "age1…", in lower case
bool is_age_identity(std::string_view text);   // "AGE-SECRET-KEY-1…", in upper case

}  // namespace qrx::wire
