// TLS for both sides: contexts from certificates, and sessions over a non-blocking socket. The only file, beside
// socket_stream.cpp, that knows OpenSSL; nothing of it is touched before the first context is made.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace qrx::http {

// What sessions are made from. May be used by many threads at once.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

struct FreeTlsSession {
  void operator()(ssl_st* session) const noexcept;
};
// One side of one connection; the socket stays its owner's. One thread at a time.
using TlsSession = std::unique_ptr<ssl_st, FreeTlsSession>;

// TLS 1.2 and newer for a server, from PEM files (certificate chain and key); says what is wrong with which file.
Result<TlsContext> load_server_tls(const std::string& cert_file, const std::string& key_file);

// TLS 1.2 and newer for a client that trusts what the system trusts, and the PEM file `ca_file` unless that is empty.
// One for each file for the life of the process: parallel connections share what was loaded. Any thread.
Result<TlsContext> client_tls(const std::string& ca_file);

// The server's side; null when memory is short.
TlsSession accept_tls(const TlsContext& context, int socket);

// The client's side. `host` is what the certificate must be for: a name (sent as SNI) or an IP address.
Result<TlsSession> connect_tls(const TlsContext& context, int socket, const std::string& host);

// The words for an error code of OpenSSL: "unsupported protocol".
std::string tls_reason(unsigned long code);

std::string tls_library();  // "OpenSSL 3.0.17"

}  // namespace qrx::http
