// TLS for the client over a non-blocking socket. Nothing of OpenSSL is touched before the first session.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace qrx::http {

// What a call would have to wait for before it can go on.
enum class Need : unsigned char { nothing, read, write };

struct Moved {
  std::size_t bytes = 0;
  Need need = Need::nothing;  // other than nothing: no byte moved, call again when the socket is ready
  bool end = false;           // the peer closed in order
};

// One session; the socket stays the caller's. One thread at a time.
class TlsSession {
 public:
  // `host` is what the certificate must be for: a name (sent as SNI) or an IP address. `ca_file`: extra trust anchors.
  static Result<TlsSession> start(int socket, const std::string& host, const std::string& ca_file);
  TlsSession(TlsSession&&) noexcept;
  TlsSession& operator=(TlsSession&&) noexcept;
  ~TlsSession();

  // Kind::other when the certificate does not verify, Kind::unavailable for other trouble.
  Result<Need> handshake();
  Result<Moved> read(std::span<std::byte> space);
  Result<Moved> write(ByteView bytes);  // after a need: the same bytes again
  bool pending() const;                 // decrypted bytes wait

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::http
