#include "http/host_port.h"

#include <charconv>
#include <system_error>

#include "base/text.h"

namespace qrx::http {

Result<HostPort> parse_host_port(std::string_view text) {
  const auto bad = [text] {
    return fail(Kind::usage, "cannot listen on \"" + escape_untrusted(text) + "\": not HOST:PORT, PORT or unix:PATH");
  };
  // From the right: an IPv6 address has colons of its own, and must stand in brackets.
  const auto colon = text.rfind(':');
  auto host = colon == std::string_view::npos ? std::string_view("127.0.0.1") : text.substr(0, colon);
  const auto digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || port > 65535) return bad();
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return bad();
  return HostPort{std::string(host), static_cast<std::uint16_t>(port)};
}

}  // namespace qrx::http
