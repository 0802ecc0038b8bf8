#include "base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace qrx {

bool is_ip_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string text(host);
  in6_addr parsed;
  return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 || ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

bool is_loopback_address(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string peer_key(std::string_view address) {
  in6_addr parsed;
  std::string text(address);
  // "::ffff:192.0.2.1" is an IPv4 client: all of those have one /64.
  if (::inet_pton(AF_INET6, text.c_str(), &parsed) != 1 || IN6_IS_ADDR_V4MAPPED(&parsed)) return text;
  return std::string(reinterpret_cast<const char*>(&parsed), 8);
}

}  // namespace qrx
