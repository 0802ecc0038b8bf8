// One connected stream socket, plain or TLS, that never blocks: for the front's event loop, and for the client with
// poll(2). It owns the descriptor. Not thread-safe: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "http/tls.h"

namespace qrx::http {

class SocketStream {
 public:
  enum class State : std::uint8_t {
    done,         // `bytes` were moved (at least one, where any were asked for)
    want_read,    // would block until the socket is readable
    want_write,   // would block until the socket is writable (TLS may want either for either)
    eof,          // the peer closed its side in order (read only)
    failed,       // reset, TLS error, truncated TLS stream: see failure()
    file_failed,  // send_file: the file cannot be read or is shorter than promised; the connection itself is sound
  };
  struct Moved {
    State state;
    std::size_t bytes = 0;
  };

  // `socket` must be non-blocking.
  explicit SocketStream(UniqueFd socket) : socket_(std::move(socket)) {}
  // With TLS from the start: the first handshake() begins the negotiation. Without a session (memory is short) the
  // stream is closed, and fails.
  SocketStream(UniqueFd socket, TlsSession tls);
  SocketStream(SocketStream&&) noexcept = default;
  SocketStream& operator=(SocketStream&&) noexcept = default;

  int fd() const { return socket_.get(); }
  bool is_tls() const { return tls_ != nullptr; }
  // TLS from here on, after what went in clear (a proxy's CONNECT).
  void start_tls(TlsSession tls) { tls_ = std::move(tls); }

  State handshake();  // done at once without TLS
  Moved read(std::span<std::byte> space);
  // May take a part only; after want_read and want_write under TLS: the same bytes again. more_follows keeps the kernel
  // from sending a small packet now (MSG_MORE; plain only).
  Moved write(ByteView bytes, bool more_follows = false);
  // Up to `size` bytes of the file, by sendfile(2), or read and written under TLS.
  Moved send_file(int file, std::uint64_t offset, std::size_t size);

  bool has_decrypted() const;  // bytes wait in here, not in the socket

  // Bytes that the peer's system has not acknowledged yet; nothing on error.
  std::optional<std::size_t> unacknowledged() const;
  std::size_t unsent() const;  // of those: that have not left this machine, as far as is known
  bool take_error();           // the socket is broken; asking clears that

  // After State::failed: why, in words for people, about `peer`. Kind::other when its certificate does not verify,
  // else Kind::unavailable.
  Error failure(const std::string& peer) const;

  // Ends our side in order (close_notify and FIN); the other stays readable.
  void shutdown_write();
  void close();
  void reset();  // closes so that the peer sees an error, not an end (RST)

 private:
  Moved tls_result(int result);
  State state_of_errno(State would_block);

  UniqueFd socket_;
  TlsSession tls_;  // freed before the socket closes
  int error_number_ = 0;
  unsigned long tls_error_ = 0;  // the first that OpenSSL told
};

}  // namespace qrx::http
