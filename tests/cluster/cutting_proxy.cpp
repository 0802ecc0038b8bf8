#include "cluster/cutting_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace qrx::test {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("the path of a socket is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

CuttingProxy::CuttingProxy(std::string server_socket)
    : server_socket_(std::move(server_socket)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_un address = address_of(directory_.text() + "/.s.PGSQL.5432");
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 100) != 0)
    throw std::runtime_error("the proxy cannot listen");
  acceptor_ = std::thread([this] { accept_all(); });
}

CuttingProxy::~CuttingProxy() {
  ending_ = true;
  acceptor_.join();
  for (std::thread& carrier : carriers_) carrier.join();
}

void CuttingProxy::accept_all() {
  while (!ending_) {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 50) <= 0) continue;
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) carriers_.emplace_back([this, own = std::move(client)]() mutable { carry(std::move(own)); });
  }
}

void CuttingProxy::carry(UniqueFd client) {
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(server_socket_);
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  std::array<char, 65536> buffer;
  while (!ending_) {
    std::array<pollfd, 2> ready{{{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), 50) <= 0) continue;
    if (ready[0].revents != 0) {
      const ssize_t got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      // A message of the simple protocol by itself.
      const bool commits = bytes.starts_with('Q') && bytes.substr(5) == std::string_view("COMMIT\0", 7);
      const Cut cut = commits ? next.exchange(Cut::nothing) : Cut::nothing;
      if (cut != Cut::nothing) ++cuts;
      if (cut == Cut::before || !send_all(server.get(), bytes)) return;
      if (cut == Cut::after) {  // the server has done it once it answers
        pollfd answered{server.get(), POLLIN, 0};
        ::poll(&answered, 1, 5000);
        return;
      }
    }
    if (ready[1].revents != 0) {
      const ssize_t got = ::recv(server.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0 || !send_all(client.get(), {buffer.data(), static_cast<std::size_t>(got)})) return;
    }
  }
}

}  // namespace qrx::test
