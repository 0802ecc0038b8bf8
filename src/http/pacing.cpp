#include "http/pacing.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <string_view>

namespace qrx::http {
namespace {

// What the kernel gives to a new socket, when that paces; else empty. The first call counts.
const std::string& kernels_pacing(int new_socket) {
  static const std::string choice = [new_socket] {
    char name[16] = "";
    socklen_t size = sizeof name;
    if (::getsockopt(new_socket, IPPROTO_TCP, TCP_CONGESTION, name, &size) != 0) return std::string();
    std::string text(name, ::strnlen(name, size));
    return text.starts_with("bbr") ? text : std::string();
  }();
  return choice;
}

bool choose(int socket, std::string_view name) {
  return ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size())) == 0;
}

// The address of one end, without its port.
std::string_view host_bytes(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& host = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return {reinterpret_cast<const char*>(&host), sizeof host};
  }
  if (address.ss_family != AF_INET6) return {};
  const auto& host = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return {reinterpret_cast<const char*>(&host), sizeof host};
}

// The same address at both ends: true for loopback, and for a machine that calls itself by its outer address.
bool within_this_machine(int socket) {
  sockaddr_storage here{}, there{};
  socklen_t size = sizeof here;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) != 0) return false;
  size = sizeof there;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &size) != 0) return false;
  return !host_bytes(here).empty() && host_bytes(here) == host_bytes(there);
}

}  // namespace

void avoid_bbr(int socket) {
  if (!kernels_pacing(socket).empty() && !choose(socket, "cubic")) choose(socket, "reno");
}

void restore_pacing(int connected) {
  const std::string& choice = kernels_pacing(connected);
  if (!choice.empty() && !within_this_machine(connected)) choose(connected, choice);
}

}  // namespace qrx::http
