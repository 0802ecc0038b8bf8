#include "front/proxies.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace qrx::front {
namespace {

using Address = std::array<std::uint8_t, 16>;

// IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so that one comparison serves both families.
std::optional<Address> parse_address(std::string_view text, bool* is_v4 = nullptr) {
  Address address{};
  const std::string owned(text);
  if (is_v4 != nullptr) *is_v4 = false;
  if (inet_pton(AF_INET6, owned.c_str(), address.data()) == 1) return address;
  address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (inet_pton(AF_INET, owned.c_str(), address.data() + 12) != 1) return std::nullopt;
  if (is_v4 != nullptr) *is_v4 = true;
  return address;
}

std::string text_of(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  const bool mapped = std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; }) &&
                      address[10] == 0xFF && address[11] == 0xFF;
  const char* done = mapped ? inet_ntop(AF_INET, address.data() + 12, text, sizeof text)
                            : inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return done == nullptr ? std::string() : done;
}

// An entry of X-Forwarded-For: an address, "[v6]", or either with a port, as some proxies write it.
std::optional<Address> parse_entry(std::string_view entry) {
  entry = trim(entry);
  if (entry.starts_with('[')) {
    const auto end = entry.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return parse_address(entry.substr(1, end - 1));
  }
  // One colon is a port behind an IPv4 address; more are an IPv6 address without brackets.
  if (const auto colon = entry.find(':'); colon != std::string_view::npos && colon == entry.rfind(':'))
    entry = entry.substr(0, colon);
  return parse_address(entry);
}

}  // namespace

Result<void> ProxyList::add(std::string_view cidr) {
  if (cidr == "unix") {
    unix_ = true;
    return {};
  }
  const auto slash = cidr.find('/');
  bool is_v4 = false;
  const auto address = parse_address(cidr.substr(0, slash), &is_v4);
  unsigned bits = is_v4 ? 32 : 128;
  bool sound = address.has_value();
  if (sound && slash != std::string_view::npos) {
    const auto digits = cidr.substr(slash + 1);
    unsigned given = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
    sound = error == std::errc() && end == digits.data() + digits.size() && given <= bits;
    bits = given;
  }
  if (!sound)
    return fail(Kind::usage, "\"" + escape_untrusted(cidr) + "\" is not a network",
                "write it as 10.0.0.0/8, ::1 or unix");
  networks_.push_back({*address, is_v4 ? bits + 96 : bits});
  return {};
}

bool ProxyList::trusts(const Address& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    // Whole bytes first, then the bits of the next one.
    const unsigned whole = network.bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
    const unsigned rest = network.bits % 8;
    return rest == 0 || (address[whole] >> (8 - rest)) == (network.address[whole] >> (8 - rest));
  });
}

bool ProxyList::trusts(const std::string& peer) const {
  if (peer.empty()) return unix_;
  const auto address = parse_address(peer);
  return address && trusts(*address);
}

// From the right: each trusted proxy appends the address it saw. The first that is not trusted is where trust ends;
// what stands left of it, that client may have written itself.
std::string ProxyList::client_of(const std::string& peer, std::string_view forwarded) const {
  if (forwarded.empty() || (networks_.empty() && !unix_)) return peer;
  if (!trusts(peer)) return peer;
  std::string client = peer;
  while (!forwarded.empty()) {
    const auto comma = forwarded.rfind(',');
    const auto address = parse_entry(comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1));
    if (!address) break;
    client = text_of(*address);
    if (!trusts(*address) || comma == std::string_view::npos) break;
    forwarded = forwarded.substr(0, comma);
  }
  return client;
}

}  // namespace qrx::front
