#include "front/peer_key.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace qrx::front {

std::string peer_key(std::string_view address) {
  in6_addr parsed;
  std::string text(address);
  if (inet_pton(AF_INET6, text.c_str(), &parsed) != 1) return text;
  return std::string(reinterpret_cast<const char*>(&parsed), 8);
}

bool is_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string text(host);
  in6_addr parsed;
  return inet_pton(AF_INET, text.c_str(), &parsed) == 1 || inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace qrx::front
