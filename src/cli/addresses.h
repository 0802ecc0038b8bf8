// The addresses of this machine, and which of them another device can most likely reach.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qrx::cli {

struct MachineAddress {
  std::string text;       // "192.168.1.23", "fd00::5"; no scope
  std::string interface;  // "wlan0"
  bool ipv6 = false;
  bool leaves = false;  // packets to other networks leave from it
  friend bool operator==(const MachineAddress&, const MachineAddress&) = default;
};

bool is_loopback(std::string_view address);
// Only reachable from the local network, or from this machine: RFC 1918, RFC 4193, link-local, shared space (RFC 6598),
// loopback, "localhost" and names ending in .local, .lan, .home.arpa or .internal.
bool is_private_host(std::string_view host);
bool is_wildcard(std::string_view address);  // "0.0.0.0", "::"

// Best first: the one that packets leave from, before others of real network cards, before those of containers, virtual
// machines and tunnels; IPv4 before IPv6, as every phone in the network has it; loopback last.
std::vector<MachineAddress> best_first(std::vector<MachineAddress> addresses);

// Of all interfaces that are up, best first; never empty (loopback). Link-local IPv6 is left out: it needs a scope that
// no browser takes.
std::vector<MachineAddress> machine_addresses();

// A port of that address that is free at the moment; 0 when there is none, or the address is not ours.
unsigned free_port(std::string_view address);

// "192.168.1.23", 8460 -> "192.168.1.23:8460"; IPv6 in brackets.
std::string host_and_port(std::string_view address, unsigned port);

}  // namespace qrx::cli
