#include "http/socket_stream.h"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace qrx::http {
namespace {

// One TLS record; larger reads would only cost memory per thread.
constexpr std::size_t tls_record_bytes = 16384;

}  // namespace

SocketStream::SocketStream(UniqueFd socket, TlsSession tls) : socket_(std::move(socket)), tls_(std::move(tls)) {
  if (tls_ == nullptr) close();
}

SocketStream::State SocketStream::state_of_errno(State would_block) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return would_block;
  error_number_ = errno;
  return State::failed;
}

SocketStream::Moved SocketStream::tls_result(int result) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {State::want_read};
    case SSL_ERROR_WANT_WRITE:
      return {State::want_write};
    case SSL_ERROR_ZERO_RETURN:  // only a close_notify is an end: a bare FIN may be an attacker's
      return {State::eof};
    default:
      // Kept as a number: the server closes without a word. A call after the first failure finds an empty queue.
      if (tls_error_ == 0) tls_error_ = ERR_peek_error();
      ERR_clear_error();
      return {State::failed};
  }
}

SocketStream::State SocketStream::handshake() {
  if (tls_ == nullptr) return socket_ ? State::done : State::failed;
  ERR_clear_error();
  // The error queue belongs to the thread, which serves other connections too: what they left there would be taken for
  // ours.
  const int result = SSL_do_handshake(tls_.get());
  if (result == 1) return State::done;
  const State state = tls_result(result).state;
  return state == State::eof ? State::failed : state;
}

Error SocketStream::failure(const std::string& peer) const {
  if (tls_ == nullptr)
    return {Kind::unavailable, fail_errno("lost the connection to " + peer, error_number_).value().what, {}};
  // The certificate is the better reason: the alert that follows says less.
  if (const long verified = SSL_get_verify_result(tls_.get()); verified != X509_V_OK)
    return {Kind::other, "cannot trust " + peer + ": " + X509_verify_cert_error_string(verified),
            "if the server is yours, name its certificate: SSL_CERT_FILE=cert.pem"};
  if (tls_error_ == 0) return {Kind::unavailable, peer + " closed the connection", {}};
  const bool clear = ERR_GET_REASON(tls_error_) == SSL_R_WRONG_VERSION_NUMBER;
  return {Kind::unavailable, "TLS with " + peer + " failed: " + tls_reason(tls_error_),
          clear ? "if that server speaks plain HTTP, its address begins with http://" : ""};
}

bool SocketStream::has_decrypted() const {
  return tls_ != nullptr && SSL_has_pending(tls_.get()) == 1;
}

SocketStream::Moved SocketStream::read(std::span<std::byte> space) {
  if (tls_ != nullptr) {
    // Several records for one call, so that the caller's work per call is paid less often.
    std::size_t filled = 0;
    while (filled < space.size()) {
      ERR_clear_error();
      std::size_t moved = 0;
      const int result = SSL_read_ex(tls_.get(), space.data() + filled, space.size() - filled, &moved);
      if (result != 1) {
        const auto stopped = tls_result(result);
        if (filled > 0) break;  // the state shows again at the next call
        return stopped;
      }
      filled += moved;
    }
    return {State::done, filled};
  }
  for (;;) {
    const ssize_t moved = ::recv(socket_.get(), space.data(), space.size(), 0);
    if (moved > 0) return {State::done, static_cast<std::size_t>(moved)};
    if (moved == 0) return {State::eof};
    if (errno != EINTR) return {state_of_errno(State::want_read)};
  }
}

SocketStream::Moved SocketStream::write(ByteView bytes, bool more_follows) {
  if (bytes.empty()) return {State::done};
  if (tls_ != nullptr) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
      ERR_clear_error();
      std::size_t moved = 0;
      const int result = SSL_write_ex(tls_.get(), bytes.data() + taken, bytes.size() - taken, &moved);
      if (result != 1) {
        const auto stopped = tls_result(result);
        if (stopped.state == State::failed || taken == 0)
          return {stopped.state == State::eof ? State::failed : stopped.state};
        break;
      }
      taken += moved;
    }
    return {State::done, taken};
  }
  for (;;) {
    const ssize_t moved =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0));
    if (moved >= 0) return {State::done, static_cast<std::size_t>(moved)};
    if (errno != EINTR) return {state_of_errno(State::want_write)};
  }
}

SocketStream::Moved SocketStream::send_file(int file, std::uint64_t offset, std::size_t size) {
  if (tls_ != nullptr) {
    std::array<std::byte, tls_record_bytes> record;
    // One record at a time, through the stack: under TLS the bytes must be in memory to be encrypted.
    const ssize_t got = ::pread(file, record.data(), std::min(size, record.size()), static_cast<off_t>(offset));
    if (got <= 0) return {got < 0 && errno == EINTR ? State::done : State::file_failed};
    return write(ByteView(record.data(), static_cast<std::size_t>(got)));
  }
  // One call moves at most 2 GiB less a page; ask for less, so that others get a turn.
  auto at = static_cast<off_t>(offset);
  for (;;) {
    const ssize_t moved = ::sendfile(socket_.get(), file, &at, std::min<std::size_t>(size, 1U << 30));
    if (moved > 0) return {State::done, static_cast<std::size_t>(moved)};
    // The file is shorter than it was said to be.
    if (moved == 0) return {State::file_failed};
    if (errno == EINTR) continue;
    // These speak of the file; what is left, of the socket.
    if (errno == EIO || errno == EBADF || errno == EINVAL || errno == EOVERFLOW) return {State::file_failed};
    return {state_of_errno(State::want_write)};
  }
}

std::optional<std::size_t> SocketStream::unacknowledged() const {
  int waiting = 0;
  // tcp(7): bytes not sent, and those sent and not acknowledged.
  if (::ioctl(socket_.get(), SIOCOUTQ, &waiting) != 0) return std::nullopt;
  return static_cast<std::size_t>(std::max(waiting, 0));
}

std::size_t SocketStream::unsent() const {
  int waiting = 0;
  if (::ioctl(socket_.get(), SIOCOUTQNSD, &waiting) != 0) return 0;
  return static_cast<std::size_t>(std::max(waiting, 0));
}

bool SocketStream::take_error() {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

void SocketStream::shutdown_write() {
  if (tls_ != nullptr && SSL_is_init_finished(tls_.get())) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());  // sends close_notify if there is room; nothing depends on it
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

void SocketStream::close() {
  tls_.reset();
  socket_.reset();
}

void SocketStream::reset() {
  // socket(7): with a time of 0, close() drops what is queued and sends RST.
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

}  // namespace qrx::http
