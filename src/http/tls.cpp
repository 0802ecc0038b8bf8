#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <mutex>

#include "base/ip_address.h"

namespace qrx::http {
namespace {

// The most that one record carries (RFC 8446, 5.1), and what stands around it at most.
constexpr std::size_t record_bytes = 16384 + 512;

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

// OpenSSL flushes, and gives up when that is not known.
long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// A socket BIO of our own: OpenSSL's writes with write(2), which raises SIGPIPE in whoever does not ignore it.
BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "qrx socket");
    if (made == nullptr) return made;
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

std::string take_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  return tls_reason(code);
}

TlsSession session_over(const TlsContext& context, int socket) {
  TlsSession session(SSL_new(context.get()));
  BIO_METHOD* const method = socket_method();
  BIO* const bio = session == nullptr || method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  return session;
}

// What both sides want. Writing: a part is progress, and the bytes may lie elsewhere at the next try. Reading: several
// records by one recv(2).
void set_common(SSL_CTX& context) {
  // RFC 8996: older versions are not to be used.
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(&context, 1);
}

}  // namespace

void FreeTlsSession::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

std::string tls_reason(unsigned long code) {
  // Of the system it has only a number: a file that is not there, or may not be read.
  if (ERR_SYSTEM_ERROR(code)) return std::string(fail_errno("", ERR_GET_REASON(code)).value().what).substr(2);
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown TLS error" : reason;
}

std::string tls_library() {
  return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING);
}

Result<TlsContext> load_server_tls(const std::string& cert_file, const std::string& key_file) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(Kind::other, "cannot set up TLS: " + take_reason());
  set_common(*context);
  // Compression tells of secrets by the length (CRIME); a renegotiation costs the server far more than the client.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Buffers only while bytes are in them: an idle connection gives back 34 KiB.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_read_buffer_len(context.get(), 4 * record_bytes);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets resume without memory of ours
  if (SSL_CTX_use_certificate_chain_file(context.get(), cert_file.c_str()) != 1)
    return fail(Kind::other, "cannot read the certificate " + cert_file + ": " + take_reason());
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Kind::other, "cannot read the key " + key_file + ": " + take_reason());
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return fail(Kind::other, "the key " + key_file + " does not belong to the certificate " + cert_file);
  return context;
}

Result<TlsContext> client_tls(const std::string& ca_file) {
  static std::mutex mutex;
  // Reading the system's certificates takes tens of milliseconds.
  static std::map<std::string, TlsContext> contexts;  // under the mutex
  const std::lock_guard lock(mutex);
  TlsContext& known = contexts[ca_file];
  if (known) return known;
  const TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return fail(Kind::other, "cannot use TLS: " + take_reason());
  set_common(*context);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return fail(Kind::other, "cannot read the system's certificates: " + take_reason());
  if (!ca_file.empty() && SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1)
    return fail(Kind::other, "cannot read certificates from " + ca_file + ": " + take_reason());
  return known = context;
}

TlsSession accept_tls(const TlsContext& context, int socket) {
  TlsSession session = session_over(context, socket);
  if (session != nullptr) SSL_set_accept_state(session.get());
  return session;
}

Result<TlsSession> connect_tls(const TlsContext& context, int socket, const std::string& host) {
  TlsSession session = session_over(context, socket);
  if (session == nullptr) return fail(Kind::other, "cannot use TLS: " + take_reason());
  SSL* const ssl = session.get();
  SSL_set_connect_state(ssl);
  // ALPN (RFC 7301): a server that could speak HTTP/2 is told that we do not. 8 is the length of the name.
  static constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  bool ready = SSL_set_alpn_protos(ssl, http_1_1, sizeof http_1_1) == 0;
  if (is_ip_address(host)) {
    // An address is compared with the addresses in the certificate; SNI takes names only (RFC 6066, 3).
    ready = ready && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  } else {
    // "*.example.org" is fine, "w*.example.org" is not (RFC 6125, 6.4.3).
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ready = ready && SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  }
  if (!ready) return fail(Kind::other, "cannot use TLS with " + host + ": " + take_reason());
  return session;
}

}  // namespace qrx::http
