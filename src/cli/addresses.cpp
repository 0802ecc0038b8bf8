#include "cli/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "base/unique_fd.h"

namespace qrx::cli {
namespace {

bool starts_with(std::string_view text, std::string_view front) {
  return text.substr(0, front.size()) == front;
}

bool ends_with(std::string_view text, std::string_view back) {
  return text.size() >= back.size() && text.substr(text.size() - back.size()) == back;
}

// Containers, virtual machines and tunnels: a phone is not in there.
bool is_virtual(std::string_view interface) {
  for (const auto* front : {"docker", "br-", "veth", "virbr", "vnet", "lxc",       "lxd", "cni",  "flannel", "cali",
                            "podman", "tun", "tap",  "wg",    "ppp",  "tailscale", "zt",  "utun", "vmnet",   "vboxnet"})
    if (starts_with(interface, front)) return true;
  return false;
}

// What a phone in the same room most likely reaches: no tunnel or container, on the way out, IPv4, in a private
// network.
int rank(const MachineAddress& address) {
  if (is_loopback(address.text)) return -1000;
  return (is_virtual(address.interface) ? -200 : 0) + (address.leaves ? 100 : 0) + (address.ipv6 ? 0 : 40) +
         (is_private_host(address.text) ? 10 : 0);
}

// The address that a packet to a far network would carry; connecting a datagram socket sends nothing. Port 9 (discard)
// is just a number.
std::string leaving_address(int family) {
  const UniqueFd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  sockaddr_storage far{};
  socklen_t length = 0;
  if (family == AF_INET) {
    auto* to = reinterpret_cast<sockaddr_in*>(&far);
    to->sin_family = AF_INET;
    to->sin_port = htons(9);
    ::inet_pton(AF_INET, "192.0.2.1", &to->sin_addr);  // RFC 5737: belongs to nobody
    length = sizeof *to;
  } else {
    auto* to = reinterpret_cast<sockaddr_in6*>(&far);
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(9);
    ::inet_pton(AF_INET6, "2001:db8::1", &to->sin6_addr);  // RFC 3849: the same
    length = sizeof *to;
  }
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&far), length) != 0) return {};
  sockaddr_storage here{};
  length = sizeof here;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&here), &length) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes = family == AF_INET ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&here)->sin_addr)
                                        : static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(&here)->sin6_addr);
  return ::inet_ntop(family, bytes, text, sizeof text) ? text : "";
}

}  // namespace

bool is_loopback(std::string_view address) {
  return starts_with(address, "127.") || address == "::1" || equal_ignoring_case(address, "localhost");
}

bool is_wildcard(std::string_view address) {
  return address == "0.0.0.0" || address == "::";
}

bool is_private_host(std::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const std::uint32_t address = ntohl(v4.s_addr);
    const auto within = [address](std::uint32_t network, unsigned bits) {
      return address >> (32 - bits) == network >> (32 - bits);
    };
    // RFC 1918, 127/8, link-local (RFC 3927) and 100.64/10 (RFC 6598), which tunnels use.
    return within(0x0A000000, 8) || within(0xAC100000, 12) || within(0xC0A80000, 16) || within(0x7F000000, 8) ||
           within(0xA9FE0000, 16) || within(0x64400000, 10);
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1)
    // Unique local addresses (RFC 4193)
    return (v6.s6_addr[0] & 0xFEU) == 0xFC || IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_LOOPBACK(&v6);
  const std::string name = to_lower_ascii(host);
  if (name == "localhost" || ends_with(name, ".localhost")) return true;
  // Names that only a local network knows: RFC 6762, usual routers, RFC 8375, and the one that ICANN has set aside.
  for (const auto* back : {".local", ".lan", ".home.arpa", ".internal"})
    if (ends_with(name, back)) return true;
  return false;
}

std::vector<MachineAddress> best_first(std::vector<MachineAddress> addresses) {
  std::stable_sort(addresses.begin(), addresses.end(),
                   [](const MachineAddress& a, const MachineAddress& b) { return rank(a) > rank(b); });
  return addresses;
}

std::vector<MachineAddress> machine_addresses() {
  std::vector<MachineAddress> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) == 0) {
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
    const std::string leaving4 = leaving_address(AF_INET);
    const std::string leaving6 = leaving_address(AF_INET6);
    for (const ifaddrs* at = list; at; at = at->ifa_next) {
      if (!at->ifa_addr || !(at->ifa_flags & IFF_UP)) continue;
      const int family = at->ifa_addr->sa_family;
      char text[INET6_ADDRSTRLEN] = "";
      if (family == AF_INET) {
        ::inet_ntop(family, &reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr, text, sizeof text);
      } else if (family == AF_INET6) {
        const auto& address = reinterpret_cast<sockaddr_in6*>(at->ifa_addr)->sin6_addr;
        // They need a zone (%eth0), which no link can carry.
        if (IN6_IS_ADDR_LINKLOCAL(&address)) continue;
        ::inet_ntop(family, &address, text, sizeof text);
      }
      if (!text[0]) continue;
      found.push_back({text, at->ifa_name, family == AF_INET6, text == (family == AF_INET6 ? leaving6 : leaving4)});
    }
  }
  if (found.empty()) found.push_back({"127.0.0.1", "lo", false, false});
  return best_first(std::move(found));
}

unsigned free_port(std::string_view address) {
  const std::string text(address);
  sockaddr_storage place{};
  socklen_t length = 0;
  if (auto* v4 = reinterpret_cast<sockaddr_in*>(&place); ::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    length = sizeof *v4;
  } else if (auto* v6 = reinterpret_cast<sockaddr_in6*>(&place);
             ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    length = sizeof *v6;
  } else {
    return 0;
  }
  const UniqueFd socket(::socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto* where = reinterpret_cast<sockaddr*>(&place);
  // Free at this moment only: it may be taken before the caller binds it.
  if (!socket || ::bind(socket.get(), where, length) != 0 || ::getsockname(socket.get(), where, &length) != 0) return 0;
  return ntohs(place.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&place)->sin_port
                                          : reinterpret_cast<sockaddr_in6*>(&place)->sin6_port);
}

std::string host_and_port(std::string_view address, unsigned port) {
  const bool ipv6 = address.find(':') != std::string_view::npos;
  return (ipv6 ? "[" : "") + std::string(address) + (ipv6 ? "]:" : ":") + std::to_string(port);
}

}  // namespace qrx::cli
