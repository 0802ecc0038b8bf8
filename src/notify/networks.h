// Which addresses are of the public internet, and which an operator has listed: a hook that a stranger names may go
// nowhere else.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace qrx::notify {

// An IPv4 address stands as the IPv6 one that maps it (::ffff:a.b.c.d).
using Address16 = std::array<std::uint8_t, 16>;
std::optional<Address16> address_of(const sockaddr* address, socklen_t size);  // nothing for other families

struct Network {
  Address16 address{};
  unsigned bits = 128;                                         // 0 to 128; of IPv4, 96 to 128
  static std::optional<Network> parse(std::string_view text);  // "10.1.0.0/16", "fd00::/8", an address alone
  bool holds(const Address16& address) const;
};

// Not loopback, private, shared, link-local (cloud metadata stands there), multicast, reserved or for documents only;
// for an IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, Teredo) not that either.
bool is_public(const Address16& address);

}  // namespace qrx::notify
