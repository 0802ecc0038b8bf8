// An S3 store in memory, as far as qrx needs one: on a socket of this machine, with faults that a test orders.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "unit/catch.h"
#include "wire/link.h"

namespace qrx::test {

class MemoryStore {
 public:
  // What becomes of a request, before it is done.
  enum class Fault : std::uint8_t { none, error_500, slow_down, denied, cut_before, cut_after, absent };
  // Asked of each request to an object ("PUT", "ab/BLOB/W.0"); any thread.
  std::function<Fault(const std::string& method, const std::string& name)> fault;

  MemoryStore() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_.get(), 64) == 0);
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~MemoryStore() {
    stop_ = true;
    acceptor_.join();
    for (std::thread& one : connections_) one.join();
  }

  wire::Origin origin() const { return *wire::Origin::parse("http://127.0.0.1:" + std::to_string(port_)); }
  std::map<std::string, std::string> objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
  }
  void lose(const std::string& name) {
    const std::lock_guard lock(mutex_);
    objects_.erase(name);
  }
  void age(std::chrono::hours by) { age_ = by; }  // of all objects, from now on
  std::atomic<unsigned> puts{0}, gets{0}, removals{0}, overwritten{0};

 private:
  static constexpr std::string_view prefix = "/bucket/p/";

  void accept() {
    while (!stop_) {
      pollfd ready{listener_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) connections_.emplace_back([this, fd] { serve(UniqueFd(fd)); });
    }
  }

  bool more(int fd, std::string& in) const {
    while (!stop_) {
      pollfd ready{fd, POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      char space[65536];
      const ssize_t got = ::recv(fd, space, sizeof space, 0);
      if (got <= 0) return false;
      in.append(space, static_cast<std::size_t>(got));
      return true;
    }
    return false;
  }

  static std::string header(const std::string& head, const std::string& name) {
    const std::string lower = to_lower_ascii(head);
    const auto at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }

  void serve(const UniqueFd& fd) {
    std::string in;
    for (;;) {
      std::size_t end = 0;
      while ((end = in.find("\r\n\r\n")) == std::string::npos)
        if (!more(fd.get(), in)) return;
      const std::string head = in.substr(0, end + 2);
      in.erase(0, end + 4);
      const std::string length = header(head, "content-length");
      const std::size_t size = length.empty() ? 0 : std::stoul(length);
      while (in.size() < size)
        if (!more(fd.get(), in)) return;
      const std::string body = in.substr(0, size);
      in.erase(0, size);
      const std::string answered = answer(head, body);
      if (answered.empty()) return;
      for (std::size_t at = 0; at < answered.size();) {
        const ssize_t put = ::send(fd.get(), answered.data() + at, answered.size() - at, MSG_NOSIGNAL);
        if (put <= 0) return;
        at += static_cast<std::size_t>(put);
      }
    }
  }

  static std::string reply(const std::string& status, const std::string& body, const std::string& more = {},
                           bool with_body = true) {
    return "HTTP/1.1 " + status + "\r\nDate: " + to_http_date(system_clock().wall()) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" +
           (with_body ? body : std::string());
  }
  static std::string error(const std::string& status, const std::string& code) {
    return reply(status, "<Error><Code>" + code + "</Code></Error>");
  }

  std::string answer(const std::string& head, const std::string& body) {
    const auto first = head.find(' '), second = head.find(' ', first + 1);
    const std::string method = head.substr(0, first), target = head.substr(first + 1, second - first - 1);
    if (method == "HEAD") return reply("200 OK", {});
    if (!target.starts_with(prefix)) return method == "GET" ? list(target) : error("403 Forbidden", "AccessDenied");
    const std::string name = target.substr(prefix.size());
    const Fault what = fault ? fault(method, name) : Fault::none;
    if (what == Fault::error_500) return error("500 Oops", "InternalError");
    if (what == Fault::slow_down) return error("503 Slow Down", "SlowDown");
    if (what == Fault::denied) return error("403 Forbidden", "AccessDenied");
    if (what == Fault::absent) return error("404 Not Found", "NoSuchKey");
    if (what == Fault::cut_before) return {};
    std::string out = act(method, name, head, body);
    return what == Fault::cut_after ? std::string() : out;
  }

  std::string act(const std::string& method, const std::string& name, const std::string& head,
                  const std::string& body) {
    const std::lock_guard lock(mutex_);
    if (method == "PUT") {
      if (header(head, "x-amz-content-sha256") != to_hex(sha256(as_bytes(body))))
        return error("400 Bad Request", "XAmzContentSHA256Mismatch");
      ++puts;
      const auto [known, is_new] = objects_.try_emplace(name, body);
      if (!is_new && known->second != body) ++overwritten;
      known->second = body;
      return reply("200 OK", {});
    }
    if (method == "DELETE") {
      ++removals;
      objects_.erase(name);
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }
    ++gets;
    const auto found = objects_.find(name);
    if (found == objects_.end()) return error("404 Not Found", "NoSuchKey");
    const std::string range = header(head, "range").substr(6);
    const std::size_t from = std::stoul(range), to = std::stoul(range.substr(range.find('-') + 1));
    if (from >= found->second.size()) return error("416 Range", "InvalidRange");
    const std::string part = found->second.substr(from, to - from + 1);
    return reply("206 Partial Content", part,
                 "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(from + part.size() - 1) + "/" +
                     std::to_string(found->second.size()) + "\r\n");
  }

  // Pages of three, so that there are several.
  std::string list(const std::string& target) {
    const std::lock_guard lock(mutex_);
    const auto token = target.find("continuation-token=");
    std::string after, start;
    const auto asked = target.find("prefix=");
    percent_decode(target.substr(asked + 7, target.find('&', asked) - asked - 7), start);
    start.erase(0, 2);  // "p/"
    if (token != std::string::npos)
      percent_decode(target.substr(token + 19, target.find('&', token) - token - 19), after);
    std::string inside;
    unsigned count = 0;
    auto at = token == std::string::npos ? objects_.lower_bound(start) : objects_.upper_bound(after);
    const auto is_asked_for = [&] { return at != objects_.end() && at->first.starts_with(start); };
    for (; is_asked_for() && count < 3; ++at, ++count)
      inside += "<Contents><Key>p/" + at->first + "</Key><LastModified>" +
                to_rfc3339(system_clock().wall() - age_.load()) + "</LastModified><Size>" +
                std::to_string(at->second.size()) + "</Size></Contents>";
    if (is_asked_for())
      inside +=
          "<IsTruncated>true</IsTruncated><NextContinuationToken>" + std::prev(at)->first + "</NextContinuationToken>";
    return reply("200 OK", "<ListBucketResult>" + inside + "</ListBucketResult>");
  }

  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<std::chrono::hours> age_{std::chrono::hours(0)};
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace qrx::test
