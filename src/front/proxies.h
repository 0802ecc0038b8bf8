// Which peers may say on whose behalf they speak.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qrx::front {

class ProxyList {
 public:
  // "10.0.0.0/8", "::1", "192.0.2.7"; "unix" trusts whoever comes in by a Unix socket.
  Result<void> add(std::string_view cidr);

  bool trusts(const std::string& peer) const;  // empty: whoever comes in by a Unix socket

  // The address of the client: `peer` (empty: a Unix socket) itself, or when it is trusted the right-most entry of
  // `forwarded` (X-Forwarded-For, all headers joined by commas) that is an address and not trusted. What is not an
  // address ends the search: everything left of it may be invented.
  std::string client_of(const std::string& peer, std::string_view forwarded) const;

 private:
  struct Network {
    std::array<std::uint8_t, 16> address;  // IPv4 as ::ffff:a.b.c.d
    unsigned bits;
  };
  bool trusts(const std::array<std::uint8_t, 16>& address) const;

  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace qrx::front
