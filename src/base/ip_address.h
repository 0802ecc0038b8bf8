// IP addresses as text, as far as rules are made of them.
#pragma once

#include <string>
#include <string_view>

namespace qrx {

bool is_ip_address(std::string_view host);  // rather than a name; IPv6 with or without brackets

// 127.0.0.0/8 and ::1: on this machine, or behind a proxy on it.
bool is_loopback_address(std::string_view address);

// The name under which limits count a client, however many addresses it has: one subscriber has a whole /64 of IPv6 and
// could take a new address for each request. Of IPv4, and of anything else, the text itself; a Unix socket has the
// empty one.
std::string peer_key(std::string_view address);

}  // namespace qrx
