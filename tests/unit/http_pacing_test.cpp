// Which congestion control a connection gets. Where the kernel's choice does not pace, nothing changes, and this shows
// that.
#include "http/pacing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "base/unique_fd.h"
#include "unit/catch.h"

using namespace qrx;
using namespace qrx::http;

namespace {

UniqueFd tcp_socket() {
  return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

std::string control_of(const UniqueFd& socket) {
  char name[16] = "";
  socklen_t size = sizeof name - 1;
  REQUIRE(::getsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0);
  return name;
}

}  // namespace

TEST_CASE("a connection within this machine is not paced, at either end") {
  UniqueFd listener = tcp_socket();
  avoid_bbr(listener.get());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  UniqueFd client = tcp_socket();
  avoid_bbr(client.get());
  REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  restore_pacing(client.get());
  restore_pacing(accepted.get());
  CHECK_FALSE(control_of(client).starts_with("bbr"));
  CHECK_FALSE(control_of(accepted).starts_with("bbr"));
}

TEST_CASE("a connection that is not known to stay here gets the kernel's choice back") {
  const UniqueFd untouched = tcp_socket();
  const UniqueFd socket = tcp_socket();
  avoid_bbr(socket.get());
  restore_pacing(socket.get());
  CHECK(control_of(socket) == control_of(untouched));
}
