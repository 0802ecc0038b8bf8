#include "http/connecting.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/thrown.h"
#include "http/pacing.h"

namespace qrx::http {
namespace {

using std::chrono::steady_clock;

constexpr Millis stagger{250};  // from one attempt to the next: RFC 8305, 5

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

tl::unexpected<Error> refused(const std::string& peer, int error_number) {
  return fail(Kind::unavailable, fail_errno("no connection to " + peer, error_number).value().what);
}

// Addresses in getaddrinfo's order, the families taking turns (RFC 8305, 4): where one family leads nowhere, the second
// attempt is of the other.
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
  // The port is a number: no look into /etc/services.
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
  // An address needs no name server, and no thread.
  if (look_up(host, port, AI_NUMERICHOST, addresses) == 0) return addresses;

  struct Lookup {
    Interrupt done;
    std::mutex mutex;
    int error = EAI_AGAIN;
    std::vector<Address> addresses;
  };
  // Shared with the thread, which may outlive this call: it writes into what nobody reads any more.
  auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([lookup, host, port] {
      std::vector<Address> found;
      // AI_ADDRCONFIG: no addresses of a family that this machine has no address of.
      const auto error = catching([&]() -> Result<int> { return look_up(host, port, AI_ADDRCONFIG, found); });
      {
        const std::lock_guard lock(lookup->mutex);
        lookup->error = error.value_or(EAI_MEMORY);
        lookup->addresses = std::move(found);
      }
      lookup->done.raise();
    }).detach();
  } catch (const std::system_error&) {
    return fail(Kind::unavailable, "cannot look up " + host + ": out of threads");
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
  if (address.bytes.ss_family != AF_UNIX) avoid_bbr(attempt.socket.get());
  const int status = ::connect(attempt.socket.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size);
  // Interrupted by a signal, it goes on by itself (connect(2)).
  attempt.error = status == 0 ? 0 : errno == EINTR ? EINPROGRESS : errno;
  return attempt;
}

// "Happy eyeballs" of RFC 8305, 5: attempts run side by side, the first that connects wins, and the others are closed.
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
    if (running.empty()) return refused(peer, last_error);
    if (now >= deadline) return no_answer(peer, "it does not answer");

    std::vector<pollfd> waits;
    for (const auto& attempt : running) waits.push_back({attempt.socket.get(), POLLOUT, 0});
    waits.push_back({interrupt.fd(), POLLIN, 0});
    const auto until = next < addresses.size() ? std::min(deadline, next_start) : deadline;
    if (::poll(waits.data(), waits.size(), poll_time(until)) < 0 && errno != EINTR) return fail_errno("cannot wait");
    // From behind, for entries are erased on the way.
    for (std::size_t i = running.size(); i-- > 0;) {
      if (waits[i].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      // How a connection that was begun without waiting has ended (connect(2), EINPROGRESS).
      if (::getsockopt(running[i].socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      if (error == 0) return std::move(running[i].socket);
      last_error = error;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      // One has failed: the next begins at once.
      next_start = now;
    }
  }
}

}  // namespace

tl::unexpected<Error> interrupted() {
  return fail(Kind::unavailable, "interrupted");
}

tl::unexpected<Error> no_answer(const std::string& peer, const std::string& why) {
  return fail(Kind::unavailable, "no connection to " + peer + ": " + why);
}

int poll_time(Steady deadline) {
  const auto left = std::chrono::ceil<Millis>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000));
}

Result<UniqueFd> connect_unix(const std::string& path) {
  Address address;
  auto* const named = reinterpret_cast<sockaddr_un*>(&address.bytes);
  if (path.size() >= sizeof named->sun_path) return fail(Kind::usage, "the socket path is too long: " + path);
  named->sun_family = AF_UNIX;
  std::memcpy(named->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof(sockaddr_un);
  Attempt attempt = begin_connect(address);
  if (attempt.error != 0) return refused(path, attempt.error);
  return std::move(attempt.socket);
}

Result<UniqueFd> connect_tcp(const std::string& host, std::uint16_t port, const std::string& peer,
                             const Interrupt& interrupt, Steady deadline, const std::optional<Address16>& led_by) {
  auto addresses = resolve(host, port, peer, interrupt, deadline);
  if (!addresses) return tl::unexpected(addresses.error());
  // Those that are connected to, not the name: it may lead elsewhere the next time (DNS rebinding).
  if (led_by) {
    std::erase_if(*addresses, [&](const Address& address) {
      const auto to = address_of(reinterpret_cast<const sockaddr*>(&address.bytes), address.size);
      return !to || !may_lead(*led_by, *to);
    });
    if (addresses->empty()) return no_answer(peer, "a server elsewhere may not lead there");
  }
  auto socket = connect_any(*addresses, peer, interrupt, deadline);
  if (!socket) return socket;
  const int on = 1;
  // Only latency is lost without it.
  static_cast<void>(::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  restore_pacing(socket->get());
  return socket;
}

std::optional<Address16> peer_address(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  return address_of(reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace qrx::http
