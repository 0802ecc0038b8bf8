// Whom a limit counts: one client, however many addresses it has.
#pragma once

#include <string>
#include <string_view>

namespace qrx::front {

// One subscriber has a whole /64 of IPv6 and could take a new address for each request: they are one key. Of anything
// else the text itself; a Unix socket has the empty one.
std::string peer_key(std::string_view address);

bool is_address(std::string_view host);  // rather than a name; IPv6 with or without brackets

// 127.0.0.0/8 and ::1: on this machine, or behind a proxy on it.
bool is_loopback(std::string_view address);

}  // namespace qrx::front
