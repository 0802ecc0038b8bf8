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
#include <climits>
#include <utility>

namespace qrx::http {
namespace {

// One TLS record; larger reads would only cost memory per thread.
constexpr std::size_t tls_record_bytes = 16384;

Transport::State state_of_errno(Transport::State would_block) {
  return errno == EAGAIN || errno == EWOULDBLOCK ? would_block : Transport::State::failed;
}

}  // namespace

std::string take_tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown TLS error" : reason;
}

std::string tls_library() {
  return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING);
}

Result<TlsContext> load_server_tls(const std::string& cert_file, const std::string& key_file) {
  ERR_clear_error();
  const TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(Kind::other, "cannot set up TLS: " + take_tls_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Buffers only while bytes are in them: an idle connection gives back 34 KiB.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Several records by one recv(2).
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), 4 * (tls_record_bytes + 512));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets resume without memory of ours
  if (SSL_CTX_use_certificate_chain_file(context.get(), cert_file.c_str()) != 1)
    return fail(Kind::other, "cannot read the certificate " + cert_file + ": " + take_tls_error());
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Kind::other, "cannot read the key " + key_file + ": " + take_tls_error());
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return fail(Kind::other, "the key " + key_file + " does not belong to the certificate " + cert_file);
  return context;
}

Transport::Transport(UniqueFd socket) : socket_(std::move(socket)) {}

Transport::Transport(UniqueFd socket, ssl_st* tls) : socket_(std::move(socket)), tls_(tls) {
  if (tls_ == nullptr || SSL_set_fd(tls_, socket_.get()) != 1) close();
}

Transport Transport::tls_server(UniqueFd socket, const TlsContext& context) {
  ssl_st* tls = SSL_new(context.get());
  if (tls != nullptr) SSL_set_accept_state(tls);
  return {std::move(socket), tls};
}

Transport::Transport(Transport&& other) noexcept
    : socket_(std::move(other.socket_)), tls_(std::exchange(other.tls_, nullptr)) {}

Transport& Transport::operator=(Transport&& other) noexcept {
  if (this != &other) {
    close();
    socket_ = std::move(other.socket_);
    tls_ = std::exchange(other.tls_, nullptr);
  }
  return *this;
}

Transport::~Transport() {
  close();
}

Transport::Moved Transport::tls_result(int result) {
  const int error = SSL_get_error(tls_, result);
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {State::want_read};
    case SSL_ERROR_WANT_WRITE:
      return {State::want_write};
    case SSL_ERROR_ZERO_RETURN:
      return {State::eof};
    default:
      return {State::failed};
  }
}

Transport::State Transport::handshake() {
  if (tls_ == nullptr) return socket_ ? State::done : State::failed;
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_);
  if (result == 1) return State::done;
  const State state = tls_result(result).state;
  return state == State::eof ? State::failed : state;
}

Transport::Moved Transport::read(std::span<std::byte> space) {
  if (tls_ != nullptr) {
    // Several records for one call, so that the caller's work per call is paid less often.
    std::size_t filled = 0;
    while (filled < space.size()) {
      ERR_clear_error();
      std::size_t moved = 0;
      const int result = SSL_read_ex(tls_, space.data() + filled, space.size() - filled, &moved);
      if (result != 1) {
        if (filled > 0) break;  // the state shows again at the next call
        return tls_result(result);
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

Transport::Moved Transport::write(ByteView bytes, bool more_follows) {
  if (bytes.empty()) return {State::done};
  if (tls_ != nullptr) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
      ERR_clear_error();
      std::size_t moved = 0;
      const int result = SSL_write_ex(tls_, bytes.data() + taken, bytes.size() - taken, &moved);
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

Transport::Moved Transport::send_file(int file, std::uint64_t offset, std::size_t size) {
  if (tls_ != nullptr) {
    std::array<std::byte, tls_record_bytes> record;
    const ssize_t got = ::pread(file, record.data(), std::min(size, record.size()), static_cast<off_t>(offset));
    if (got <= 0) return {got < 0 && errno == EINTR ? State::done : State::file_failed};
    return write(ByteView(record.data(), static_cast<std::size_t>(got)));
  }
  // One call moves at most 2 GiB less a page; ask for less, so that others get a turn.
  auto at = static_cast<off_t>(offset);
  for (;;) {
    const ssize_t moved = ::sendfile(socket_.get(), file, &at, std::min<std::size_t>(size, 1U << 30));
    if (moved > 0) return {State::done, static_cast<std::size_t>(moved)};
    if (moved == 0) return {State::file_failed};
    if (errno == EINTR) continue;
    if (errno == EIO || errno == EBADF || errno == EINVAL || errno == EOVERFLOW) return {State::file_failed};
    return {state_of_errno(State::want_write)};
  }
}

std::optional<std::size_t> Transport::unacknowledged() const {
  int waiting = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &waiting) != 0) return std::nullopt;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return std::nullopt;
  return static_cast<std::size_t>(std::max(waiting, 0));
}

void Transport::shutdown_write() {
  if (tls_ != nullptr && SSL_is_init_finished(tls_)) {
    ERR_clear_error();
    SSL_shutdown(tls_);  // sends close_notify if there is room; nothing depends on it
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

void Transport::close() {
  if (tls_ != nullptr) SSL_free(std::exchange(tls_, nullptr));
  socket_.reset();
}

void Transport::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

}  // namespace qrx::http
