// A live server on a free port of 127.0.0.1, and a raw client for it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "front/server.h"
#include "unit/catch.h"

namespace front_test {

using namespace qrx;
using namespace qrx::front;
using qrx::http::Answer;
using qrx::http::Header;
using qrx::http::Request;
using namespace std::chrono_literals;

inline Answer text_answer(std::string body, int status = 200) {
  Answer answer;
  answer.status = status;
  answer.type = "text/plain";
  answer.body = std::move(body);
  return answer;
}

inline Answer plain_error(const Error& error, int status) {
  return text_answer(error.what, status == 0 ? 500 : status);
}

inline ServerOptions quick_options() {
  ServerOptions options;
  options.endpoints = {{"127.0.0.1:0", false, false}};
  options.take_systemd_sockets = false;
  options.least_threads = 2;
  options.most_threads = 8;
  options.stop_time = Millis(2000);
  return options;
}

class Running {
 public:
  explicit Running(Handler handler, ServerOptions options = quick_options())
      : server(std::move(options), std::move(handler), plain_error) {
    const auto bound = server.bind();
    INFO((bound ? std::string() : bound.error().what));
    REQUIRE(bound.has_value());
    thread_ = std::thread([this] { ran = server.run().has_value(); });
  }
  ~Running() { stop(); }
  void stop() {
    server.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port() const {
    const auto address = server.addresses().at(0);
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }

  Server server;
  bool ran = false;

 private:
  std::thread thread_;
};

// Waits for something that another thread does.
inline bool soon(const std::function<bool()>& holds, std::chrono::milliseconds longest = 5000ms) {
  const auto until = std::chrono::steady_clock::now() + longest;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class Raw {
 public:
  explicit Raw(const Running& running) : Raw(running.port()) {}
  explicit Raw(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  explicit Raw(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  int fd() const { return fd_.get(); }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // The next bytes; empty at the end, on reset or when nothing comes.
  std::string some(int milliseconds = 5000) {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, milliseconds) != 1) return {};
    std::string bytes(65536, '\0');
    const auto got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got == 0) ended = true;
    if (got < 0) reset = true;
    return bytes;
  }
  // Everything until the server closes.
  std::string rest() {
    std::string all = std::exchange(kept_, {});
    for (std::string bytes = some(); !bytes.empty(); bytes = some()) all += bytes;
    return all;
  }
  // One response with a Content-Length (or none): its head and body.
  std::string response(bool has_body = true) {
    std::string all = std::exchange(kept_, {});
    const auto more = [&] {
      const auto bytes = some();
      all += bytes;
      return !bytes.empty();
    };
    while (all.find("\r\n\r\n") == std::string::npos)
      if (!more()) return all;
    const auto head = all.find("\r\n\r\n") + 4;
    const auto length = all.find("Content-Length: ");
    const auto size = has_body && length < head ? std::stoul(all.substr(length + 16)) : 0;
    while (all.size() < head + size)
      if (!more()) return all;
    kept_ = all.substr(head + size);
    return all.substr(0, head + size);
  }
  bool is_closed() {
    const auto bytes = some();
    return bytes.empty() && (ended || reset);
  }
  void close() { fd_.reset(); }

  bool ended = false;
  bool reset = false;

 private:
  UniqueFd fd_;
  std::string kept_;
};

inline std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: qrx\r\n" + headers + "\r\n";
}

inline std::string body_of(const std::string& response) {
  const auto end = response.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : response.substr(end + 4);
}

inline int status_of(const std::string& response) {
  return response.size() > 12 && response.starts_with("HTTP/1.1 ") ? std::stoi(response.substr(9, 3)) : 0;
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The coding taken off, with no checks: what the server sends is ours.
inline std::string dechunked(std::string_view coded) {
  std::string body;
  for (;;) {
    const auto line = coded.find("\r\n");
    if (line == std::string_view::npos) return body + "<cut>";
    const auto size = std::stoul(std::string(coded.substr(0, line)), nullptr, 16);
    if (size == 0) return body;
    if (coded.size() < line + 2 + size + 2) return body + "<cut>";
    body += coded.substr(line + 2, size);
    coded.remove_prefix(line + 2 + size + 2);
  }
}

}  // namespace front_test
