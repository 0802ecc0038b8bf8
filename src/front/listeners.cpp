#include "front/listeners.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/text.h"
#include "http/host_port.h"
#include "http/pacing.h"

namespace qrx::front {
namespace {

constexpr int backlog = 4096;  // the kernel caps it by net.core.somaxconn
constexpr int systemd_first_fd = 3;

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

// Connections inherit these from the socket they are accepted on: no system call for each.
void set_tcp_options(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  // A client that vanished without a word is noticed after 60 + 4 x 15 = 120 seconds.
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 4);
  http::avoid_bbr(socket);
}

bool has_ipv6() {
  // The kernel may have been started without IPv6.
  const UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return static_cast<bool>(probe);
}

// `found`: an address without a port. `text`: the endpoint, for what is said.
Result<Listener> open_tcp(const addrinfo& found, std::uint16_t port, const std::string& text) {
  sockaddr_storage address{};
  std::memcpy(&address, found.ai_addr, found.ai_addrlen);
  auto& port_in_it = found.ai_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                                 : reinterpret_cast<sockaddr_in&>(address).sin_port;
  port_in_it = htons(port);
  Listener listener;
  listener.socket = UniqueFd(::socket(found.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket) return fail_errno("cannot listen on " + text);
  const int fd = listener.socket.get();
  // A restart need not wait for connections of the former process in TIME_WAIT.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (found.ai_family == AF_INET6) {
    // "[::]:80" means both families; "0.0.0.0" beside it would then be refused by the kernel, and said so.
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) ? 0 : 1);
  }
  set_tcp_options(fd);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), found.ai_addrlen) != 0 || ::listen(fd, backlog) != 0)
    return fail_errno("cannot listen on " + text);
  return listener;
}

std::uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Result<std::string> name_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail_errno("cannot ask a socket for its address");
  char text[INET6_ADDRSTRLEN] = "";
  switch (address.ss_family) {
    case AF_INET:
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
      return std::string(text) + ":" + std::to_string(port_of(address));
    case AF_INET6:
      inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text, sizeof text);
      return "[" + std::string(text) + "]:" + std::to_string(port_of(address));
    case AF_UNIX: {
      const auto& local = reinterpret_cast<const sockaddr_un&>(address);
      const auto length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
      // A name that begins with a zero byte is abstract (unix(7)).
      const auto bytes = std::string_view(local.sun_path, length);
      return "unix:" + std::string(bytes.substr(0, bytes.find('\0', bytes.starts_with('\0') ? 1 : 0)));
    }
    default:
      return fail(Kind::usage, "a socket that was handed over is neither TCP nor Unix");
  }
}

// A path that a dead server left behind may be removed; one where a server answers, or that is no socket, may not.
Result<void> clear_path(const sockaddr_un& address, const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("cannot listen on " + path);
  }
  if (!S_ISSOCK(status.st_mode)) return fail(Kind::exists, "cannot listen on " + path + ": something else is there");
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return fail_errno("cannot listen on " + path);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN)
    return fail(Kind::exists, "cannot listen on " + path + ": a server is running there");
  // ECONNREFUSED: the file of a socket that nobody listens on.
  if (errno != ECONNREFUSED) return fail_errno("cannot listen on " + path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("cannot remove the old socket " + path);
  return {};
}

}  // namespace

void Listener::close() {
  socket.reset();
  if (path_.empty()) return;
  struct stat status {};
  // A server that was started meanwhile may have made its own socket at this path.
  if (::lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_) ::unlink(path_.c_str());
  path_.clear();
}

// bind(), then the group, then the mode, then listen(): nobody gets in before all of it is as it should be.
Result<Listener> Listener::open_unix(const Endpoint& endpoint) {
  const std::string path = endpoint.address.substr(5);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Kind::usage, "cannot listen on " + path + ": the path must have 1 to 107 bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  if (const auto cleared = clear_path(address, path); !cleared) return tl::unexpected(cleared.error());

  Listener listener;
  listener.socket = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket) return fail_errno("cannot listen on " + path);
  const int fd = listener.socket.get();
  // Before it has a name nobody can connect, and before it listens neither: the umask, which takes from the first, is
  // made good by the second.
  if (::fchmod(fd, 0600) != 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("cannot listen on " + path);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno("cannot listen on " + path);
  listener.path_ = path;  // it goes with the listener from here on, also after an error
  listener.inode_ = status.st_ino;
  // lchown: should the path be a link by now, its target stays as it is.
  if (endpoint.group && ::lchown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*endpoint.group)) != 0)
    return fail_errno("cannot give " + path + " to its group");
  if (!endpoint.control && ::chmod(path.c_str(), static_cast<mode_t>(endpoint.mode)) != 0)
    return fail_errno("cannot set the mode of " + path);
  if (::listen(fd, backlog) != 0) return fail_errno("cannot listen on " + path);
  listener.address = endpoint.address;
  listener.control = endpoint.control;
  listener.plain = true;
  listener.is_unix = true;
  return listener;
}

Result<std::vector<Listener>> Listener::open(const Endpoint& endpoint) {
  std::vector<Listener> listeners;
  if (endpoint.address.starts_with("unix:")) {
    auto listener = open_unix(endpoint);
    if (!listener) return tl::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
    return listeners;
  }
  auto where = http::parse_host_port(endpoint.address);
  if (!where) return tl::unexpected(where.error());

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (where->host.empty() || where->host == "*") where->host = has_ipv6() ? "::" : "0.0.0.0";
  const int error = ::getaddrinfo(where->host.c_str(), nullptr, &hints, &found);
  if (error != 0) return fail(Kind::usage, "cannot listen on " + endpoint.address + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto listener = open_tcp(*one, where->port, endpoint.address);
    if (!listener) {
      // A name that has a second address on a machine without that family: the first is enough.
      if (!listeners.empty()) continue;
      if (one->ai_next != nullptr && errno == EAFNOSUPPORT) continue;
      return tl::unexpected(listener.error());
    }
    auto name = name_of(listener->socket.get());
    if (!name) return tl::unexpected(name.error());
    listener->address = std::move(*name);
    listener->plain = endpoint.plain;
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (where->port == 0 && ::getsockname(listener->socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0)
      where->port = port_of(bound);
    listeners.push_back(std::move(*listener));
  }
  if (listeners.empty()) return fail(Kind::other, "cannot listen on " + endpoint.address + ": no usable address");
  return listeners;
}

// sd_listen_fds(3), without its library: descriptors from 3 on, as many as LISTEN_FDS says, for the process LISTEN_PID.
Result<std::vector<Listener>> Listener::take_from_systemd() {
  std::vector<Listener> listeners;
  const char* pid_text = std::getenv("LISTEN_PID");
  const char* count_text = std::getenv("LISTEN_FDS");
  if (pid_text == nullptr || count_text == nullptr) return listeners;
  const auto number = [](std::string_view text) {
    long value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : -1;
  };
  const long pid = number(pid_text);
  const long count = number(count_text);
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  // For another process, whose environment was inherited.
  if (pid != static_cast<long>(::getpid()) || count < 1 || count > 1024) return listeners;

  for (int fd = systemd_first_fd; fd < systemd_first_fd + static_cast<int>(count); ++fd) {
    Listener listener;
    const int flags = ::fcntl(fd, F_GETFL);
    // systemd hands them over blocking, and open across exec().
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      return fail_errno("cannot take over the socket " + std::to_string(fd) + " from systemd");
    listener.socket = UniqueFd(fd);
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
      return fail(Kind::usage, "what systemd handed over as " + std::to_string(fd) + " is not a listening socket");
    auto name = name_of(fd);
    if (!name) return tl::unexpected(name.error());
    listener.address = std::move(*name);
    listener.is_unix = listener.address.starts_with("unix:");
    listener.plain = listener.is_unix;
    if (!listener.is_unix) set_tcp_options(fd);
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace qrx::front
