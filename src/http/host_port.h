// An address to listen on, as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::http {

struct HostPort {
  std::string host;  // without brackets; empty or "*": all addresses
  std::uint16_t port = 0;
};

// "HOST:PORT", "[::1]:PORT", ":PORT", or "PORT" of 127.0.0.1. Kind::usage for anything else.
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace qrx::http
