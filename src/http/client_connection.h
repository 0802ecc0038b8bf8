// The client's connection: finds the host, connects (by a proxy, a Unix socket, TLS), moves bytes under deadlines.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/connecting.h"
#include "http/interrupt.h"
#include "http/socket_stream.h"
#include "wire/link.h"

namespace qrx::http {

// One thread at a time. Every wait ends when `interrupt` is raised (Kind::unavailable).
class ClientConnection {
 public:
  // `interrupt` outlives it.
  static Result<ClientConnection> open(const wire::Origin& origin, const ConnectOptions& options,
                                       const Interrupt& interrupt);

  // At least one byte, or 0 at the end of the stream. With `patience` over: Kind::unavailable.
  Result<std::size_t> read(std::span<std::byte> space, Millis patience);
  // What has arrived, without waiting: nothing, or as read().
  Result<std::optional<std::size_t>> try_read(std::span<std::byte> space);
  // Some bytes of the front of `bytes`. Returns 0 when input arrived before anything could be written: take it by
  // try_read() and call again.
  Result<std::size_t> write(ByteView bytes, Millis patience);
  Result<void> write_all(ByteView bytes, Millis patience);
  // Waits for input at most so long; false when none came.
  Result<bool> wait_for_input(Millis patience);

  // Of the other end; none by a proxy or a Unix socket.
  const std::optional<Address16>& address() const { return address_; }

  std::uint64_t unacknowledged() const;  // bytes in the socket that the other end's kernel has not acknowledged

 private:
  bool has_input();  // bytes, an end or an error wait to be read
  ClientConnection(UniqueFd socket, std::string peer, const Interrupt& interrupt)
      : stream_(std::move(socket)), peer_(std::move(peer)), interrupt_(&interrupt) {}
  Result<bool> wait(short events, Steady deadline, short* seen = nullptr);  // false: the time is over
  Result<void> through_proxy(const wire::Origin& origin, Millis patience);
  Result<void> start_tls(const wire::Origin& origin, const std::string& ca_file, Millis patience);

  tl::unexpected<Error> lost() const;  // what the stream failed with

  SocketStream stream_;
  std::string peer_;      // for messages: "host:port" or a path
  std::string tls_host_;  // whose certificate was asked for
  const Interrupt* interrupt_;
  std::optional<Address16> address_;
};

}  // namespace qrx::http
