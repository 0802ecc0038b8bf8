#include "base/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <string>

namespace qrx {
namespace {

Address16 mapped(const std::uint8_t* four) {
  Address16 out{};
  out[10] = out[11] = 0xFF;
  std::copy_n(four, 4, out.begin() + 12);
  return out;
}

bool is_mapped(const Address16& address) {
  static constexpr std::array<std::uint8_t, 12> front = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return std::equal(front.begin(), front.end(), address.begin());
}

std::vector<Network> parsed(std::initializer_list<const char*> texts) {
  std::vector<Network> out;
  for (const char* text : texts) out.push_back(*Network::parse(text));
  return out;
}

// The special-purpose registries of IANA (RFC 6890 and after), without what they mark as globally reachable.
const std::vector<Network>& special_v4() {
  static const std::vector<Network> networks =
      parsed({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
              "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
              "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"});
  return networks;
}

const std::vector<Network>& special_v6() {  // inside 2000::/3
  // Teredo, benchmarks and other protocols; documentation; documentation (RFC 9637).
  static const std::vector<Network> networks = parsed({"2001::/23", "2001:db8::/32", "3fff::/20"});
  return networks;
}

bool held_by(const std::vector<Network>& networks, const Address16& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& network) { return network.holds(address); });
}

// 0: neither of the machine nor of its link nor private. An IPv4 address within an IPv6 one that is not mapped is not
// looked for.
int nearness(const Address16& address) {
  static const std::vector<Network> machine = parsed({"127.0.0.0/8", "::1", "0.0.0.0/8", "::"});
  static const std::vector<Network> link = parsed({"169.254.0.0/16", "fe80::/10"});
  static const std::vector<Network> network =
      parsed({"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"});
  return held_by(machine, address) ? 3 : held_by(link, address) ? 2 : held_by(network, address) ? 1 : 0;
}

}  // namespace

std::optional<Address16> address_of(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    std::uint8_t bytes[4];
    std::memcpy(bytes, &four.sin_addr, sizeof bytes);
    return mapped(bytes);
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 six{};
    std::memcpy(&six, address, sizeof six);
    Address16 out;
    std::memcpy(out.data(), &six.sin6_addr, out.size());
    return out;
  }
  return std::nullopt;
}

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Network out;
  std::uint8_t four[4];
  unsigned least = 0;
  if (inet_pton(AF_INET, host.c_str(), four) == 1) {
    out.address = mapped(four);
    // Within ::ffff:0:0/96.
    least = 96;
  } else if (inet_pton(AF_INET6, host.c_str(), out.address.data()) != 1) {
    return std::nullopt;
  }
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || bits > 128 - least)
    return std::nullopt;
  out.bits = bits + least;
  return out;
}

bool Network::holds(const Address16& other) const {
  const unsigned whole = bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((address[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

bool is_public(const Address16& address) {
  if (is_mapped(address)) return !held_by(special_v4(), address);
  static const Network nat64 = *Network::parse("64:ff9b::/96");
  // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address, and lead to it.
  static const Network global = *Network::parse("2000::/3");
  static const Network six_to_four = *Network::parse("2002::/16");
  if (nat64.holds(address)) return !held_by(special_v4(), mapped(address.data() + 12));
  if (!global.holds(address) || held_by(special_v6(), address)) return false;
  return !six_to_four.holds(address) || !held_by(special_v4(), mapped(address.data() + 2));
}

bool may_lead(const Address16& from, const Address16& to) {
  if (is_public(to) || from == to) return true;
  const auto there = nearness(to);
  return there > 0 && nearness(from) >= there;
}

}  // namespace qrx
