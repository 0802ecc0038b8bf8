#include "http/client_connection.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "http/framing.h"
#include "http/pacing.h"

namespace qrx::http {
namespace {

using std::chrono::steady_clock;

constexpr Millis stagger{250};  // RFC 8305, 5

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

tl::unexpected<Error> interrupted() {
  return fail(Kind::unavailable, "interrupted");
}

std::string reason_of(int error_number) {
  std::string reason = std::generic_category().message(error_number);
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z' && reason.size() > 1 && reason[1] >= 'a')
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  return reason;
}

tl::unexpected<Error> no_answer(const std::string& peer, const std::string& why) {
  return fail(Kind::unavailable, "no connection to " + peer + ": " + why);
}

// Time left, as poll(2) wants it, rounded up.
int poll_time(Steady deadline) {
  const auto left = std::chrono::ceil<Millis>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000));
}

// Addresses in getaddrinfo's order, the families taking turns.
std::vector<Address> interleaved(const addrinfo* found) {
  std::deque<Address> first, second;
  int family = found == nullptr ? AF_UNSPEC : found->ai_family;
  for (; found != nullptr; found = found->ai_next) {
    if (found->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address address;
    std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    (found->ai_family == family ? first : second).push_back(address);
  }
  std::vector<Address> out;
  while (!first.empty() || !second.empty()) {
    for (auto* list : {&first, &second}) {
      if (list->empty()) continue;
      out.push_back(list->front());
      list->pop_front();
    }
  }
  return out;
}

int look_up(const std::string& host, std::uint16_t port, int flags, std::vector<Address>& out) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error == 0) {
    out = interleaved(found);
    ::freeaddrinfo(found);
  }
  return error;
}

// getaddrinfo(3) waits on name servers without a limit of ours, so it runs in a thread that may be left behind.
Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port, const std::string& peer,
                                     const Interrupt& interrupt, Steady deadline) {
  std::vector<Address> addresses;
  if (look_up(host, port, AI_NUMERICHOST, addresses) == 0) return addresses;

  struct Lookup {
    Interrupt done;
    std::mutex mutex;
    int error = EAI_AGAIN;
    std::vector<Address> addresses;
  };
  auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([lookup, host, port] {
      std::vector<Address> found;
      const int error = look_up(host, port, AI_ADDRCONFIG, found);
      {
        const std::lock_guard lock(lookup->mutex);
        lookup->error = error;
        lookup->addresses = std::move(found);
      }
      lookup->done.raise();
    }).detach();
  } catch (const std::system_error&) {
    return fail(Kind::unavailable, "cannot look up " + host + ": no thread left");
  }
  while (!lookup->done.raised()) {
    std::array<pollfd, 2> waits{{{lookup->done.fd(), POLLIN, 0}, {interrupt.fd(), POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), poll_time(deadline));
    if (interrupt.raised()) return interrupted();
    if (ready == 0) return no_answer(peer, "looking up its name takes too long");
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait");
  }
  const std::lock_guard lock(lookup->mutex);
  if (lookup->error != 0) {
    // A name that does not exist stays so; a name server that is away comes back.
    const Kind kind = lookup->error == EAI_NONAME || lookup->error == EAI_FAIL ? Kind::other : Kind::unavailable;
    return fail(kind, "cannot find " + host + ": " + ::gai_strerror(lookup->error));
  }
  return lookup->addresses;
}

struct Attempt {
  UniqueFd socket;
  int error = 0;  // EINPROGRESS while it runs
};

Attempt begin_connect(const Address& address) {
  Attempt attempt;
  attempt.socket.reset(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!attempt.socket) {
    attempt.error = errno;
    return attempt;
  }
  if (address.bytes.ss_family != AF_UNIX) put_off_pacing(attempt.socket.get());
  const int status = ::connect(attempt.socket.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size);
  attempt.error = status == 0 ? 0 : errno == EINTR ? EINPROGRESS : errno;
  return attempt;
}

Result<UniqueFd> connect_any(const std::vector<Address>& addresses, const std::string& peer, const Interrupt& interrupt,
                             Steady deadline) {
  std::vector<Attempt> running;
  std::size_t next = 0;
  int last_error = EHOSTUNREACH;
  auto next_start = steady_clock::now();
  for (;;) {
    if (interrupt.raised()) return interrupted();
    const auto now = steady_clock::now();
    if (next < addresses.size() && (now >= next_start || running.empty())) {
      Attempt attempt = begin_connect(addresses[next++]);
      next_start = now + stagger;
      if (attempt.error == 0) return std::move(attempt.socket);
      if (attempt.error == EINPROGRESS)
        running.push_back(std::move(attempt));
      else
        last_error = attempt.error;
      continue;
    }
    if (running.empty()) return no_answer(peer, reason_of(last_error));
    if (now >= deadline) return no_answer(peer, "it does not answer");

    std::vector<pollfd> waits;
    for (const auto& attempt : running) waits.push_back({attempt.socket.get(), POLLOUT, 0});
    waits.push_back({interrupt.fd(), POLLIN, 0});
    const auto until = next < addresses.size() ? std::min(deadline, next_start) : deadline;
    if (::poll(waits.data(), waits.size(), poll_time(until)) < 0 && errno != EINTR) return fail_errno("cannot wait");
    for (std::size_t i = running.size(); i-- > 0;) {
      if (waits[i].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      if (::getsockopt(running[i].socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      if (error == 0) return std::move(running[i].socket);
      last_error = error;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      next_start = now;
    }
  }
}

Result<UniqueFd> connect_unix(const std::string& path) {
  Address address;
  auto* const named = reinterpret_cast<sockaddr_un*>(&address.bytes);
  if (path.size() >= sizeof named->sun_path) return fail(Kind::usage, "the socket path is too long: " + path);
  named->sun_family = AF_UNIX;
  std::memcpy(named->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof(sockaddr_un);
  Attempt attempt = begin_connect(address);
  if (attempt.error != 0) return no_answer(path, reason_of(attempt.error));
  return std::move(attempt.socket);
}

}  // namespace

Result<ClientConnection> ClientConnection::open(const Origin& origin, const ClientOptions& options,
                                                const Interrupt& interrupt) {
  if (interrupt.raised()) return interrupted();
  const auto deadline = steady_clock::now() + options.connect_time;
  if (!options.unix_path.empty()) {
    auto socket = connect_unix(options.unix_path);
    if (!socket) return tl::unexpected(socket.error());
    return ClientConnection(std::move(*socket), options.unix_path, interrupt);
  }
  Origin target = origin;
  if (!options.proxy.empty()) {
    const auto proxy = Origin::parse(options.proxy);
    if (!proxy || proxy->tls) return fail(Kind::usage, "the proxy is not of the form http://host:port");
    target = *proxy;
  }
  const std::string peer = target.authority();
  const auto addresses = resolve(target.host, target.port, peer, interrupt, deadline);
  if (!addresses) return tl::unexpected(addresses.error());
  auto socket = connect_any(*addresses, peer, interrupt, deadline);
  if (!socket) return tl::unexpected(socket.error());
  const int on = 1;
  // Only latency is lost without it.
  static_cast<void>(::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  restore_pacing(socket->get());
  ClientConnection connection(std::move(*socket), peer, interrupt);
  const auto left = [&] { return std::max(Millis{1}, std::chrono::ceil<Millis>(deadline - steady_clock::now())); };
  if (!options.proxy.empty())
    if (auto done = connection.through_proxy(origin, left()); !done) return tl::unexpected(done.error());
  if (origin.tls)
    if (auto done = connection.start_tls(origin, options.ca_file, left()); !done) return tl::unexpected(done.error());
  return connection;
}

Result<void> ClientConnection::through_proxy(const Origin& origin, Millis patience) {
  const std::string host = origin.host.find(':') == std::string::npos ? origin.host : "[" + origin.host + "]";
  const std::string target = host + ":" + std::to_string(origin.port);
  const std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
  const auto deadline = steady_clock::now() + patience;
  const auto left = [&] { return std::max(Millis{0}, std::chrono::ceil<Millis>(deadline - steady_clock::now())); };
  if (auto done = write_all(as_bytes(request), left()); !done) return done;
  std::string buffer;
  HeadScanner scanner;
  // Byte by byte at the end of the head: what follows belongs to the other end.
  while (scanner.scan(buffer) == HeadScanner::State::more) {
    std::byte byte{};
    // One deadline for the whole head: a proxy that drips gets no new one with each byte.
    const auto got = read({&byte, 1}, left());
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return no_answer(peer_, "the proxy closed the connection");
    buffer += static_cast<char>(byte);
  }
  const auto head = parse_response_head(std::string_view(buffer).substr(0, scanner.size()), "CONNECT");
  if (scanner.state() == HeadScanner::State::flawed || !head)
    return no_answer(peer_, "the proxy's answer is malformed");
  if (head->status / 100 != 2)
    return no_answer(target, "the proxy " + peer_ + " answered " + std::to_string(head->status));
  peer_ = origin.authority();
  return {};
}

Result<void> ClientConnection::start_tls(const Origin& origin, const std::string& ca_file, Millis patience) {
  auto session = TlsSession::start(socket_.get(), origin.host, ca_file);
  if (!session) return tl::unexpected(session.error());
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    const auto need = session->handshake();
    if (!need) return tl::unexpected(need.error());
    if (*need == Need::nothing) break;
    const auto ready = wait(*need == Need::read ? POLLIN : POLLOUT, deadline);
    if (!ready) return tl::unexpected(ready.error());
    if (!*ready) return no_answer(peer_, "it does not answer");
  }
  tls_ = std::move(*session);
  return {};
}

Result<bool> ClientConnection::wait(short events, Steady deadline, short* seen) {
  for (;;) {
    if (interrupt_->raised()) return interrupted();
    std::array<pollfd, 2> waits{{{socket_.get(), events, 0}, {interrupt_->fd(), POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), poll_time(deadline));
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait");
    if (ready > 0 && waits[0].revents != 0) {
      if (seen != nullptr) *seen = waits[0].revents;
      return true;
    }
    if (steady_clock::now() >= deadline) return false;
  }
}

Result<std::size_t> ClientConnection::read(std::span<std::byte> space, Millis patience) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    if (interrupt_->raised()) return interrupted();
    short events = POLLIN;
    if (tls_) {
      const auto moved = tls_->read(space);
      if (!moved) return tl::unexpected(moved.error());
      if (moved->end) return 0;
      if (moved->bytes > 0) return moved->bytes;
      if (moved->need == Need::write) events = POLLOUT;
    } else {
      const ssize_t got = ::recv(socket_.get(), space.data(), space.size(), 0);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(Kind::unavailable, "lost the connection to " + peer_ + ": " + reason_of(errno));
    }
    const auto ready = wait(events, deadline);
    if (!ready) return tl::unexpected(ready.error());
    if (!*ready) return fail(Kind::unavailable, peer_ + " does not answer");
  }
}

Result<std::optional<std::size_t>> ClientConnection::try_read(std::span<std::byte> space) {
  if (!has_input()) return std::nullopt;
  if (tls_) {
    const auto moved = tls_->read(space);
    if (!moved) return tl::unexpected(moved.error());
    // Input may be no more than a session ticket.
    if (moved->bytes == 0 && !moved->end) return std::nullopt;
    return moved->bytes;
  }
  const ssize_t got = ::recv(socket_.get(), space.data(), space.size(), MSG_DONTWAIT);
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  return fail(Kind::unavailable, "lost the connection to " + peer_ + ": " + reason_of(errno));
}

Result<std::size_t> ClientConnection::write(ByteView bytes, Millis patience) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    if (interrupt_->raised()) return interrupted();
    short events = POLLOUT | POLLIN;
    if (tls_) {
      const auto moved = tls_->write(bytes);
      if (!moved) return tl::unexpected(moved.error());
      if (moved->bytes > 0) return moved->bytes;
      if (moved->need == Need::read) events = POLLIN;
    } else {
      const ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put >= 0) return static_cast<std::size_t>(put);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(Kind::unavailable, "lost the connection to " + peer_ + ": " + reason_of(errno));
    }
    short seen = 0;
    const auto ready = wait(events, deadline, &seen);
    if (!ready) return tl::unexpected(ready.error());
    if (!*ready) return fail(Kind::unavailable, peer_ + " takes no more bytes");
    if ((seen & POLLIN) != 0 && (seen & POLLOUT) == 0) return 0;
  }
}

Result<void> ClientConnection::write_all(ByteView bytes, Millis patience) {
  while (!bytes.empty()) {
    const auto put = write(bytes, patience);
    if (!put) return tl::unexpected(put.error());
    if (*put == 0) {
      // Input before the request is through. Wait for room alone, so that this does not spin.
      const auto ready = wait(POLLOUT, steady_clock::now() + patience);
      if (!ready) return tl::unexpected(ready.error());
      if (!*ready) return fail(Kind::unavailable, peer_ + " takes no more bytes");
    }
    bytes = bytes.subspan(*put);
  }
  return {};
}

Result<bool> ClientConnection::wait_for_input(Millis patience) {
  if (tls_ && tls_->pending()) return true;
  return wait(POLLIN, steady_clock::now() + patience);
}

bool ClientConnection::has_input() {
  if (tls_ && tls_->pending()) return true;
  pollfd socket{socket_.get(), POLLIN, 0};
  return ::poll(&socket, 1, 0) > 0;
}

std::uint64_t ClientConnection::unacknowledged() const {
  int bytes = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace qrx::http
