#include "http/client_tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <map>
#include <mutex>

namespace qrx::http {
namespace {

// A socket BIO of our own: OpenSSL's writes with write(2), which raises SIGPIPE.
int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(socket_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

int bio_read(BIO* bio, char* space, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(socket_of(bio), space, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "qrx socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

std::string last_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "TLS failed" : reason;
}

// One context per trust file for the life of the process: parallel connections share what was loaded.
Result<SSL_CTX*> context_for(const std::string& ca_file) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<SSL_CTX, FreeContext>> contexts;
  const std::lock_guard lock(mutex);
  auto& context = contexts[ca_file];
  if (context) return context.get();
  std::unique_ptr<SSL_CTX, FreeContext> made(SSL_CTX_new(TLS_client_method()));
  if (!made) return fail(Kind::other, "cannot use TLS: " + last_reason());
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(made.get(), 1);
  if (SSL_CTX_set_default_verify_paths(made.get()) != 1)
    return fail(Kind::other, "cannot read the system's certificates: " + last_reason());
  if (!ca_file.empty() && SSL_CTX_load_verify_locations(made.get(), ca_file.c_str(), nullptr) != 1)
    return fail(Kind::other, "cannot read certificates from " + ca_file + ": " + last_reason());
  context = std::move(made);
  return context.get();
}

bool is_address(const std::string& host) {
  unsigned char space[16];
  return ::inet_pton(AF_INET, host.c_str(), space) == 1 || ::inet_pton(AF_INET6, host.c_str(), space) == 1;
}

}  // namespace

struct TlsSession::Impl {
  SSL* ssl = nullptr;
  std::string host;
  ~Impl() { SSL_free(ssl); }

  Result<Need> outcome(int returned) {
    switch (SSL_get_error(ssl, returned)) {
      case SSL_ERROR_WANT_READ:
        return Need::read;
      case SSL_ERROR_WANT_WRITE:
        return Need::write;
      default:
        break;
    }
    if (const long verified = SSL_get_verify_result(ssl); verified != X509_V_OK) {
      ERR_clear_error();
      return fail(Kind::other, "cannot trust " + host + ": " + X509_verify_cert_error_string(verified),
                  "if the server is yours, name its certificate: SSL_CERT_FILE=cert.pem");
    }
    if (ERR_peek_error() == 0) return fail(Kind::unavailable, host + " closed the connection");
    return fail(Kind::unavailable, "TLS with " + host + " failed: " + last_reason());
  }
};

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

Result<TlsSession> TlsSession::start(int socket, const std::string& host, const std::string& ca_file) {
  const auto context = context_for(ca_file);
  if (!context) return tl::unexpected(context.error());
  auto impl = std::make_unique<Impl>();
  impl->host = host;
  impl->ssl = SSL_new(*context);
  BIO* bio = impl->ssl == nullptr ? nullptr : BIO_new(socket_method());
  if (bio == nullptr) return fail(Kind::other, "cannot use TLS: " + last_reason());
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(impl->ssl, bio, bio);
  SSL_set_connect_state(impl->ssl);
  static constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  bool ready = SSL_set_alpn_protos(impl->ssl, http_1_1, sizeof http_1_1) == 0;
  if (is_address(host)) {
    ready = ready && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(impl->ssl), host.c_str()) == 1;
  } else {
    SSL_set_hostflags(impl->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ready =
        ready && SSL_set1_host(impl->ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(impl->ssl, host.c_str()) == 1;
  }
  if (!ready) return fail(Kind::other, "cannot use TLS with " + host + ": " + last_reason());
  return TlsSession(std::move(impl));
}

Result<Need> TlsSession::handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(impl_->ssl);
  if (returned == 1) return Need::nothing;
  return impl_->outcome(returned);
}

Result<Moved> TlsSession::read(std::span<std::byte> space) {
  ERR_clear_error();
  std::size_t got = 0;
  const int returned = SSL_read_ex(impl_->ssl, space.data(), space.size(), &got);
  if (returned == 1) return Moved{got, Need::nothing, false};
  // Only a close_notify is an end: a bare FIN may be an attacker's.
  if (SSL_get_error(impl_->ssl, returned) == SSL_ERROR_ZERO_RETURN) return Moved{0, Need::nothing, true};
  const auto need = impl_->outcome(returned);
  if (!need) return tl::unexpected(need.error());
  return Moved{0, *need, false};
}

Result<Moved> TlsSession::write(ByteView bytes) {
  ERR_clear_error();
  std::size_t put = 0;
  const int returned = SSL_write_ex(impl_->ssl, bytes.data(), bytes.size(), &put);
  if (returned == 1) return Moved{put, Need::nothing, false};
  const auto need = impl_->outcome(returned);
  if (!need) return tl::unexpected(need.error());
  return Moved{0, *need, false};
}

bool TlsSession::pending() const {
  return SSL_has_pending(impl_->ssl) == 1;
}

}  // namespace qrx::http
