#include "cli/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "cli/addresses.h"

namespace qrx::cli {
namespace {

std::string_view first_set(const char* upper, const char* lower) {
  for (const char* name : {lower, upper})  // curl's order
    if (const char* value = std::getenv(name); value && *value) return value;
  return {};
}

// 4 or 16 bytes, or none.
std::string address_bytes(std::string_view text) {
  const std::string address(text);
  unsigned char bytes[16];
  if (::inet_pton(AF_INET, address.c_str(), bytes) == 1) return {reinterpret_cast<char*>(bytes), 4};
  if (::inet_pton(AF_INET6, address.c_str(), bytes) == 1) return {reinterpret_cast<char*>(bytes), 16};
  return {};
}

bool in_network(std::string_view host, std::string_view network) {
  const auto slash = network.find('/');
  const std::string address = address_bytes(host);
  const std::string base = address_bytes(network.substr(0, slash));
  if (address.empty() || address.size() != base.size()) return false;
  std::size_t bits = address.size() * 8;
  if (slash != std::string_view::npos) {
    const auto text = network.substr(slash + 1);
    std::size_t given = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), given);
    if (error != std::errc() || end != text.data() + text.size() || given > bits) return false;
    bits = given;
  }
  for (std::size_t i = 0; i < bits; ++i) {
    const unsigned mask = 0x80U >> (i % 8);
    if ((static_cast<unsigned char>(address[i / 8]) & mask) != (static_cast<unsigned char>(base[i / 8]) & mask))
      return false;
  }
  return true;
}

}  // namespace

// NO_PROXY as curl reads it: names, with or without a dot in front, and all names below them; networks such as
// 10.0.0.0/8; "*" for all.
bool is_exempt(std::string_view host, std::string_view no_proxy) {
  while (!no_proxy.empty()) {
    const auto comma = std::min(no_proxy.find(','), no_proxy.size());
    std::string_view entry = trim(no_proxy.substr(0, comma));
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
    if (entry == "*") return true;
    if (in_network(host, entry)) return true;
    while (!entry.empty() && entry.front() == '.') entry.remove_prefix(1);
    if (entry.empty()) continue;
    if (equal_ignoring_case(host, entry)) return true;
    if (host.size() > entry.size() && host[host.size() - entry.size() - 1] == '.' &&
        equal_ignoring_case(host.substr(host.size() - entry.size()), entry))
      return true;
  }
  return false;
}

std::string proxy_for(const wire::Origin& origin) {
  // Plain HTTP goes to own servers nearby; a proxy of the environment is for the way out.
  if (!origin.tls || is_loopback(origin.host)) return {};
  if (is_exempt(origin.host, first_set("NO_PROXY", "no_proxy"))) return {};
  return std::string(first_set("HTTPS_PROXY", "https_proxy"));
}

}  // namespace qrx::cli
