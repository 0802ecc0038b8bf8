#include "front/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include "front/connection_table.h"
#include "front/peer_limits.h"
#include "front/server_context.h"
#include "http/pacing.h"
#include "http/tls.h"

namespace qrx::front {
namespace {

constexpr int most_accepts = 64;         // in one turn of the loop and from one listener
constexpr std::size_t evict_batch = 32;  // connections at rest that are closed at once when there are too many
constexpr int tend_ms = 3;               // how often the pool is looked at while tasks wait
constexpr auto cut_time = std::chrono::seconds(1);  // after stop_time, for threads to let go

// Keys of connections are a generation and a slot (ConnectionTable), and do not get as high.
constexpr std::uint64_t wake_key = UINT64_MAX;
constexpr std::uint64_t listener_keys = UINT64_MAX - 4096;

constexpr std::string_view busy_answer =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
      inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    else
      inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return text;
}

std::uint32_t signals_of(std::uint32_t events) {
  std::uint32_t signals = 0;
  if ((events & EPOLLIN) != 0) signals |= Connection::readable;
  if ((events & EPOLLOUT) != 0) signals |= Connection::writable;
  if ((events & EPOLLRDHUP) != 0) signals |= Connection::peer_closed | Connection::readable;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0)
    signals |= Connection::broken | Connection::readable | Connection::writable;
  return signals;
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions given, Handler handler, ErrorAnswer error_answer)
      : options(std::move(given)), context(options, std::move(handler), std::move(error_answer), [this] { wake(); }) {}
  ~Impl();

  Result<void> bind();
  Result<void> open_listeners();
  Result<void> watch_listeners();
  Result<void> start();
  Result<void> run();
  Result<void> load_tls();
  http::TlsContext tls_now();
  void wake() const;
  int sleep_time();
  void handle_events(int count);
  void accept_from(Listener& listener);
  void admit(Listener& listener, UniqueFd socket, const sockaddr_storage& address);
  bool make_room();
  PeerLimits::Hold share_for(const Listener& listener, const std::string& peer);
  void drop_one(Listener& listener);
  void tell(Connection& connection, std::uint32_t signals);
  void run_timers();
  void begin_stop();
  void tell_all(std::uint32_t signals);

  ServerOptions options;
  std::vector<Listener> listeners;
  std::vector<std::string> addresses;
  UniqueFd epoll;
  UniqueFd wake_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  UniqueFd reserve;      // given up to accept and close one when there are no more descriptors
  std::mutex tls_mutex;  // of tls, which is replaced while connections are accepted
  http::TlsContext tls;
  std::atomic<bool> stop_asked{false};
  bool stop_begun = false;
  bool started = false;
  Steady stop_at{};

  ConnectionTable connections;

  std::array<epoll_event, 256> events;
  std::vector<Pool::Task*> ready;
  std::vector<std::uint64_t> due;

  ServerContext context;  // its pool is stopped before the connections go
};

Server::Impl::~Impl() {
  // Threads first: they use the connections, which use the context.
  context.work_queue.stop();
  context.pool.stop();
  connections.free(context.take_ended());
  connections.clear();  // while what they share is still there
}

Result<void> Server::Impl::load_tls() {
  if (options.tls_cert.empty()) return {};
  auto loaded = http::load_server_tls(options.tls_cert, options.tls_key.empty() ? options.tls_cert : options.tls_key);
  if (!loaded) return tl::unexpected(loaded.error());
  const std::lock_guard lock(tls_mutex);
  tls = std::move(*loaded);
  return {};
}

http::TlsContext Server::Impl::tls_now() {
  const std::lock_guard lock(tls_mutex);
  return tls;
}

Result<void> Server::Impl::bind() {
  if (!wake_fd) return fail_errno("cannot make an event descriptor");
  // sendfile(2) knows no MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  const auto fit = connections_that_fit();
  context.peers.set_limits(options.most_connections == 0 ? fit : options.most_connections, options.most_of_one);
  for (const auto& cidr : options.trusted_proxies)
    if (const auto added = context.trusted.add(cidr); !added) return added;
  if (const auto loaded = load_tls(); !loaded) return loaded;
  if (auto opened = open_listeners(); !opened) return opened;
  if (auto watched = watch_listeners(); !watched) return watched;
  reserve = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return {};
}

Result<void> Server::Impl::open_listeners() {
  bool tcp_from_systemd = false;
  if (options.take_systemd_sockets) {
    auto taken = Listener::take_from_systemd();
    if (!taken) return tl::unexpected(taken.error());
    tcp_from_systemd = !taken->empty();
    for (auto& listener : *taken) listeners.push_back(std::move(listener));
  }
  for (const auto& endpoint : options.endpoints) {
    if (tcp_from_systemd && !endpoint.address.starts_with("unix:")) continue;
    auto opened = Listener::open(endpoint);
    if (!opened) return tl::unexpected(opened.error());
    for (auto& listener : *opened) listeners.push_back(std::move(listener));
  }
  if (listeners.empty()) return fail(Kind::usage, "there is no address to listen on");
  return {};
}

Result<void> Server::Impl::watch_listeners() {
  epoll = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("cannot make an epoll descriptor");
  context.epoll = epoll.get();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = wake_key;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake_fd.get(), &event) != 0)
    return fail_errno("cannot watch an event descriptor");
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    event.data.u64 = listener_keys + i;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listeners[i].socket.get(), &event) != 0)
      return fail_errno("cannot watch " + listeners[i].address);
    addresses.push_back(listeners[i].address);
  }
  return {};
}

void Server::Impl::wake() const {
  const int kept = errno;  // a signal handler may call this
  const std::uint64_t one = 1;
  // Full means that it is awake already.
  [[maybe_unused]] const auto written = ::write(wake_fd.get(), &one, sizeof one);
  errno = kept;
}

void Server::Impl::tell(Connection& connection, std::uint32_t signals) {
  if (connection.note(signals)) ready.push_back(&connection);
}

void Server::Impl::tell_all(std::uint32_t signals) {
  connections.for_each([this, signals](Connection& connection) { tell(connection, signals); });
}

// Closes those that rest the longest. False when none rests.
bool Server::Impl::make_room() {
  const auto resting = connections.longest_resting(evict_batch);
  for (Connection* const connection : resting) tell(*connection, Connection::evict);
  return !resting.empty();
}

// The operator always gets in. Of a proxy its clients are counted, request by request.
PeerLimits::Hold Server::Impl::share_for(const Listener& listener, const std::string& peer) {
  using What = PeerLimits::What;
  if (listener.control) return context.peers.take_anyway(What::connection);
  // Those that rest are on their way out; a few above the limit fit into the reserve until they are gone.
  const std::size_t extra = context.peers.is_full() && make_room() ? evict_batch : 0;
  return context.peers.take(context.trusted.trusts(peer) ? std::string() : peer, What::connection, extra);
}

void Server::Impl::admit(Listener& listener, UniqueFd socket, const sockaddr_storage& address) {
  const auto peer = address_text(address);
  auto share = share_for(listener, peer);
  if (!share) {
    if (listener.plain || options.tls_cert.empty())
      ::send(socket.get(), busy_answer.data(), busy_answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  // The connection is in the table before epoll knows it: its first event finds it.
  const std::uint64_t key = connections.next_key();
  const int fd = socket.get();
  if (address.ss_family != AF_UNIX) http::restore_pacing(fd);
  const auto tls_context = listener.plain ? nullptr : tls_now();
  auto stream = tls_context ? http::SocketStream(std::move(socket), http::accept_tls(tls_context, fd))
                            : http::SocketStream(std::move(socket));
  auto& connection = connections.put(
      std::make_unique<Connection>(context, std::move(stream), key, peer, listener.control, std::move(share)));
  context.connections.fetch_add(1);
  connection.start_deadline();
  epoll_event event{};
  event.events = usual_events;
  event.data.u64 = key;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    // Nobody will report an event of it: it runs once, and closes.
    tell(connection, Connection::evict | Connection::broken);
  }
}

// Out of descriptors: takes the next one in the queue and closes it, so that it is not asked for again and again.
void Server::Impl::drop_one(Listener& listener) {
  make_room();
  reserve.reset();
  const UniqueFd socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket && (listener.plain || options.tls_cert.empty()))
    ::send(socket.get(), busy_answer.data(), busy_answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  reserve = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Server::Impl::accept_from(Listener& listener) {
  // Bounded, so that a flood of connections does not keep events of those that are there waiting. Listeners are watched
  // by level: what is left is reported again.
  for (int i = 0; i < most_accepts; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    UniqueFd socket(
        ::accept4(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket) {
      try {
        admit(listener, std::move(socket), address);
      } catch (...) {
        context.tell_exception();  // memory is short: this one is closed, the others go on
      }
      continue;
    }
    if (errno == EMFILE || errno == ENFILE) drop_one(listener);
    // What is left (ECONNABORTED and the network errors of accept(2)) concerns one connection that is gone.
    if (errno != EINTR && errno != ECONNABORTED) return;
  }
}

void Server::Impl::handle_events(int count) {
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const auto key = event.data.u64;
    if (key == wake_key) {
      std::uint64_t times;
      [[maybe_unused]] const auto got = ::read(wake_fd.get(), &times, sizeof times);
    } else if (key >= listener_keys) {
      if (!stop_begun) accept_from(listeners[key - listener_keys]);
    } else if (Connection* connection = connections.find(key)) {
      tell(*connection, signals_of(event.events));
    }
  }
}

void Server::Impl::run_timers() {
  const auto now = std::chrono::steady_clock::now();
  due.clear();
  context.timers.take_due(now, due);
  for (const auto key : due)
    if (Connection* connection = connections.find(key); connection != nullptr && connection->timer_fired(now))
      tell(*connection, Connection::time);
}

int Server::Impl::sleep_time() {
  if (context.pool.has_waiting_tasks()) return tend_ms;
  std::optional<Steady> until = context.timers.first();
  if (stop_begun && (!until || stop_at < *until)) until = stop_at;
  if (!until) return -1;
  const auto left = std::chrono::ceil<Millis>(*until - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Server::Impl::begin_stop() {
  stop_begun = true;
  stop_at = std::chrono::steady_clock::now() + options.stop_time;
  for (auto& listener : listeners) listener.close();
  context.stopping = true;
  tell_all(Connection::stop);
}

Result<void> Server::Impl::start() {
  if (started) return {};
  started = true;
  if (auto done = context.pool.start(); !done) return done;
  return context.work_queue.start();
}

Result<void> Server::Impl::run() {
  if (auto done = start(); !done) return done;
  for (;;) {
    const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), sleep_time());
    if (count < 0 && errno != EINTR) return fail_errno("cannot wait for events");
    handle_events(count);
    if (stop_asked && !stop_begun) begin_stop();
    run_timers();
    context.pool.submit(ready);
    ready.clear();
    context.pool.tend();
    connections.free(context.take_ended());
    if (!stop_begun) continue;
    if (context.connections == 0) break;
    const auto now = std::chrono::steady_clock::now();
    if (now < stop_at) continue;
    if (context.cutting) break;  // a thread hangs in the disk; the connections go with the process
    context.cutting = true;
    stop_at = now + cut_time;
    tell_all(Connection::stop);
    context.pool.submit(ready);
    ready.clear();
  }
  return {};
}

Server::Server(ServerOptions options, Handler handler, ErrorAnswer error_answer)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), std::move(error_answer))) {}

Server::~Server() = default;

Result<void> Server::bind() {
  return impl_->bind();
}

std::vector<std::string> Server::addresses() const {
  return impl_->addresses;
}

Result<void> Server::start() {
  return impl_->start();
}

Result<void> Server::run() {
  return impl_->run();
}

void Server::stop() {
  impl_->stop_asked = true;
  impl_->wake();
}

Result<void> Server::reload_tls() {
  return impl_->load_tls();
}

void Server::wake(const Id& topic) {
  impl_->context.waiters.wake(topic);
}

void Server::wake_all() {
  impl_->context.waiters.wake_all();
}

Server::Counts Server::counts() const {
  const auto& context = impl_->context;
  return {context.connections, context.waiters.count(), context.pool.threads(),
          context.requests,    context.bytes_in,        context.bytes_out};
}

}  // namespace qrx::front
