// Which networks an address belongs to: where a stranger may send one of ours is decided by it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace qrx {

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

// Whether a server at `from` may send its client on to `to`: to a public address, or no nearer to the client than it is
// itself. So a stranger's server does not reach private addresses of the client's network (machines there that have
// public ones are not told apart), nor one of that network the client's machine. The nearest is the machine itself
// (127.0.0.0/8, ::1, 0.0.0.0/8, ::), then its link (169.254.0.0/16, where clouds tell a machine its secrets, and
// fe80::/10), then private networks (RFC 1918, 100.64.0.0/10, fc00::/7). To addresses of other kinds nobody leads but
// themselves, and from there as from a public one.
bool may_lead(const Address16& from, const Address16& to);

}  // namespace qrx
