// A server of raw sockets for client tests: connection n is handled by the n-th script, in a thread.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "unit/catch.h"
#include "wire/link.h"

namespace qrx::test {

// One accepted connection.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  // Everything up to and with `mark`; what came after it is kept for the next call. Short when the client closed.
  std::string read_until(const std::string& mark) {
    for (;;) {
      if (const auto at = buffer_.find(mark); at != std::string::npos) return take(at + mark.size());
      if (!more()) return take(buffer_.size());
    }
  }
  std::string read(std::size_t bytes) {
    while (buffer_.size() < bytes && more()) {
    }
    return take(std::min(bytes, buffer_.size()));
  }
  std::string head() { return read_until("\r\n\r\n"); }
  void send(const std::string& text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const ssize_t put = ::send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (put <= 0) return;
      at += static_cast<std::size_t>(put);
    }
  }
  // Ends with a reset instead of an orderly close.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  bool closed_by_client() { return !more(); }
  int fd() const { return fd_; }

 private:
  bool more() {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, 5000) <= 0) return false;
    char space[65536];
    const ssize_t got = ::recv(fd_, space, sizeof space, 0);
    if (got <= 0) return false;
    buffer_.append(space, static_cast<std::size_t>(got));
    return true;
  }
  std::string take(std::size_t bytes) {
    std::string out = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return out;
  }
  int fd_;
  std::string buffer_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit ScriptedServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (const auto& script : scripts_) {
        pollfd ready{listener_.get(), POLLIN, 0};
        while (!stop_ && ::poll(&ready, 1, 20) == 0) {
        }
        if (stop_) return;
        const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ++accepted_;
        Peer peer(fd.get());
        script(peer);
      }
    });
  }
  ~ScriptedServer() {
    stop_ = true;
    thread_.join();
  }

  wire::Origin origin(const std::string& prefix = "") const {
    return *wire::Origin::parse("http://127.0.0.1:" + std::to_string(port_) + prefix);
  }
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  std::vector<Script> scripts_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

}  // namespace qrx::test
