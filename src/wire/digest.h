// Repr-Digest and Want-Repr-Digest (RFC 9530), for sha-256 alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"

namespace qrx::wire {

// Does this Want-Repr-Digest ask for sha-256? ("sha-256=10, sha-512=3": yes; "sha-256=0": no; malformed: no.)
bool wants_sha256(std::string_view want_repr_digest);

std::string format_repr_digest(const Sha256Sum& sum);  // "sha-256=:base64:"

// The sha-256 of a Repr-Digest, if it has one.
std::optional<Sha256Sum> parse_repr_digest(std::string_view repr_digest);

}  // namespace qrx::wire
