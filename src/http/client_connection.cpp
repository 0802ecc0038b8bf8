#include "http/client_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "http/connecting.h"
#include "http/framing.h"

namespace qrx::http {

using std::chrono::steady_clock;
using State = SocketStream::State;

Result<ClientConnection> ClientConnection::open(const wire::Origin& origin, const ConnectOptions& options,
                                                const Interrupt& interrupt) {
  if (interrupt.raised()) return interrupted();
  // One deadline for all of it: name, connection, proxy and TLS.
  const auto deadline = steady_clock::now() + options.connect_time;
  if (!options.unix_path.empty()) {
    auto socket = connect_unix(options.unix_path);
    if (!socket) return tl::unexpected(socket.error());
    return ClientConnection(std::move(*socket), options.unix_path, interrupt);
  }
  wire::Origin target = origin;
  if (!options.proxy.empty()) {
    const auto proxy = wire::Origin::parse(options.proxy);
    if (!proxy || proxy->tls) return fail(Kind::usage, "the proxy is not of the form http://host:port");
    target = *proxy;
    if (options.led_by) return no_answer(origin.authority(), "nobody knows where the proxy connects to");
  }
  const std::string peer = target.authority();
  auto socket = connect_tcp(target.host, target.port, peer, interrupt, deadline, options.led_by);
  if (!socket) return tl::unexpected(socket.error());
  auto address = options.proxy.empty() ? peer_address(*socket) : std::nullopt;
  ClientConnection connection(std::move(*socket), peer, interrupt);
  connection.address_ = address;
  const auto left = [&] { return std::max(Millis{1}, std::chrono::ceil<Millis>(deadline - steady_clock::now())); };
  if (!options.proxy.empty())
    // A proxy is asked for a tunnel also without TLS: it forwards bytes, and reads none of them.
    if (auto done = connection.through_proxy(origin, left()); !done) return tl::unexpected(done.error());
  if (origin.tls)
    // Within the tunnel, if there is one: the certificate is that of the server, and the proxy sees nothing.
    if (auto done = connection.start_tls(origin, options.ca_file, left()); !done) return tl::unexpected(done.error());
  return connection;
}

Result<void> ClientConnection::through_proxy(const wire::Origin& origin, Millis patience) {
  const std::string host = origin.host.find(':') == std::string::npos ? origin.host : "[" + origin.host + "]";
  const std::string target = host + ":" + std::to_string(origin.port);
  // RFC 9110, 9.3.6: the port always stands there.
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
  // From here on errors are about the server, not about the proxy.
  peer_ = origin.authority();
  return {};
}

Result<void> ClientConnection::start_tls(const wire::Origin& origin, const std::string& ca_file, Millis patience) {
  const auto context = client_tls(ca_file);
  if (!context) return tl::unexpected(context.error());
  auto session = connect_tls(*context, stream_.fd(), origin.host);
  if (!session) return tl::unexpected(session.error());
  stream_.start_tls(std::move(*session));
  tls_host_ = origin.host;
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    const auto state = stream_.handshake();
    if (state == State::done) return {};
    if (state == State::failed) return lost();
    const auto ready = wait(state == State::want_read ? POLLIN : POLLOUT, deadline);
    if (!ready) return tl::unexpected(ready.error());
    if (!*ready) return no_answer(peer_, "it does not answer");
  }
}

Result<bool> ClientConnection::wait(short events, Steady deadline, short* seen) {
  for (;;) {
    if (interrupt_->raised()) return interrupted();
    // The second ends the wait from a signal handler, without a race between looking at the flag and sleeping.
    std::array<pollfd, 2> waits{{{stream_.fd(), events, 0}, {interrupt_->fd(), POLLIN, 0}}};
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
    const auto moved = stream_.read(space);
    if (moved.state == State::done) return moved.bytes;
    if (moved.state == State::eof) return 0;
    if (moved.state == State::failed) return lost();
    const auto ready = wait(moved.state == State::want_write ? POLLOUT : POLLIN, deadline);
    if (!ready) return tl::unexpected(ready.error());
    if (!*ready) return fail(Kind::unavailable, peer_ + " does not answer");
  }
}

// For looking, while a body is sent, whether the server has answered already.
Result<std::optional<std::size_t>> ClientConnection::try_read(std::span<std::byte> space) {
  if (!has_input()) return std::nullopt;
  const auto moved = stream_.read(space);
  if (moved.state == State::done) return moved.bytes;
  if (moved.state == State::eof) return 0;
  if (moved.state == State::failed) return lost();
  return std::nullopt;  // under TLS, input may be no more than a session ticket
}

Result<std::size_t> ClientConnection::write(ByteView bytes, Millis patience) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    if (interrupt_->raised()) return interrupted();
    const auto moved = stream_.write(bytes);
    if (moved.state == State::done) return moved.bytes;
    if (moved.state == State::failed) return lost();
    short seen = 0;
    const auto ready = wait(moved.state == State::want_read ? POLLIN : POLLOUT | POLLIN, deadline, &seen);
    if (!ready) return tl::unexpected(ready.error());
    if (!*ready) return fail(Kind::unavailable, peer_ + " takes no more bytes");
    // Input while there is no room: an early answer, mostly, of a server that reads no further.
    if ((seen & POLLIN) != 0 && (seen & POLLOUT) == 0) return 0;
  }
}

tl::unexpected<Error> ClientConnection::lost() const {
  return tl::unexpected(stream_.failure(stream_.is_tls() ? tls_host_ : peer_));
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
  // What OpenSSL has read ahead shows in no poll().
  if (stream_.has_decrypted()) return true;
  return wait(POLLIN, steady_clock::now() + patience);
}

bool ClientConnection::has_input() {
  if (stream_.has_decrypted()) return true;
  pollfd socket{stream_.fd(), POLLIN, 0};
  return ::poll(&socket, 1, 0) > 0;
}

std::uint64_t ClientConnection::unacknowledged() const {
  return stream_.unacknowledged().value_or(0);
}

}  // namespace qrx::http
