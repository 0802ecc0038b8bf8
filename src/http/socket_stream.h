// One connected stream socket, plain or TLS, that never blocks: for the front's event loop, and for the client with
// poll(2). It owns the descriptor. Not thread-safe: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace qrx::http {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// TLS 1.2 and newer for a server, from PEM files (certificate chain and key); says what is wrong with which file.
Result<TlsContext> load_server_tls(const std::string& cert_file, const std::string& key_file);

// The first line of OpenSSL's error queue, which it empties: "unsupported protocol".
std::string take_tls_error();

std::string tls_library();  // "OpenSSL 3.0.17"

class Transport {
 public:
  enum class State : std::uint8_t {
    done,         // `bytes` were moved (at least one, where any were asked for)
    want_read,    // would block until the socket is readable
    want_write,   // would block until the socket is writable (TLS may want either for either)
    eof,          // the peer closed its side in order (read only)
    failed,       // reset, TLS error, truncated TLS stream
    file_failed,  // send_file: the file cannot be read or is shorter than promised; the connection itself is sound
  };
  struct Moved {
    State state;
    std::size_t bytes = 0;
  };

  // `socket` must be non-blocking.
  explicit Transport(UniqueFd socket);
  // The TLS sides: the first handshake() starts the negotiation. Made by SSL_new; owned from here on.
  Transport(UniqueFd socket, ssl_st* tls);
  static Transport tls_server(UniqueFd socket,
                              const TlsContext& context);  // without TLS state when memory is short: fails later
  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) noexcept;
  ~Transport();

  int fd() const { return socket_.get(); }
  bool is_tls() const { return tls_ != nullptr; }
  ssl_st* tls() const { return tls_; }

  State handshake();  // done at once without TLS
  Moved read(std::span<std::byte> space);
  // May take a part only. more_follows keeps the kernel from sending a small packet now (MSG_MORE; plain only).
  Moved write(ByteView bytes, bool more_follows = false);
  // Up to `size` bytes of the file, by sendfile(2), or read and written under TLS.
  Moved send_file(int file, std::uint64_t offset, std::size_t size);

  // Bytes that the peer has not acknowledged yet; nothing on error.
  std::optional<std::size_t> unacknowledged() const;
  // Ends our side in order (close_notify and FIN); the other stays readable.
  void shutdown_write();
  void close();
  void reset();  // closes so that the peer sees an error, not an end (RST)

 private:
  Moved tls_result(int result);

  UniqueFd socket_;
  ssl_st* tls_ = nullptr;
};

}  // namespace qrx::http
