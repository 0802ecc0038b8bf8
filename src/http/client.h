// An HTTP/1.1 client for the tools: one keep-alive connection to one origin, bodies of any size in constant memory,
// deadlines on everything, answers read under the same strict framing as the server's requests. It follows no redirect.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/connecting.h"
#include "http/interrupt.h"
#include "http/message.h"
#include "wire/link.h"

namespace qrx::http {

// How a client reaches its server (ConnectOptions), and how long it waits for it.
struct ClientOptions : ConnectOptions {
  Millis answer_time{
      90'000};  // from the last byte sent to the head of the answer; waits on the server need more than 60 s
  Millis stall_time{60'000};  // no byte moved in a body
  std::string user_agent = "qrx";
  std::shared_ptr<Interrupt> interrupt;  // shared with others; empty: the client has its own
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query below the origin, percent-encoded; the origin's prefix is put before it
  std::vector<Header> headers;
  std::string body;       // for small bodies
  bool has_body = false;  // send Content-Length even when the body is empty
};

struct ClientAnswer {
  int status = 0;
  std::vector<Header> headers;
  std::string body;                                                     // only what request() read; at most its limit
  std::optional<std::string_view> header(std::string_view name) const;  // as find_header()
};

// Gives the bytes of a request body: fills the front of `space`, returns how many (0 at the end), or an error, which
// ends the request and is returned from send().
using BodyReader = std::function<Result<std::size_t>(std::span<std::byte> space)>;

// Not thread-safe: one thread at a time (but interrupt()). A method, target or header that could break the framing is
// Kind::usage and nothing is sent. Errors are Kind::unavailable for trouble of network and server (connection
// refused, reset, timed out, malformed answer), Kind::other for a certificate that does not verify; an answer of any
// status is not an error.
class Client {
 public:
  Client(wire::Origin origin, ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  const wire::Origin& origin() const;
  // Of the server, as it was connected to last. None before that, by a proxy and by a Unix socket.
  std::optional<Address16> server_address() const;

  // A request with a small body and its whole answer, body included (up to most_bytes: more is an error). Idempotent
  // methods are tried once more on a new connection when a kept one turns out to be closed.
  Result<ClientAnswer> request(const ClientRequest& request, std::size_t most_bytes = 64U << 20);

  // A request whose body is read from `reader`: exactly `length` bytes, or chunked until its end. When the server
  // answers before the body is through, sending stops and its answer is returned. `sent` (may be null) is told the
  // running total of what the other end's kernel has acknowledged, also while the answer is waited for; never the whole
  // before that.
  Result<ClientAnswer> send(const ClientRequest& request, std::optional<std::uint64_t> length, const BodyReader& reader,
                            const std::function<void(std::uint64_t)>& sent);

  // A request whose answer has a large body: the head now, the body by read().
  Result<ClientAnswer> open(const ClientRequest& request);
  // Bytes of the open body; 0 at its proper end. A body cut short is Kind::unavailable.
  Result<std::size_t> read(std::span<std::byte> space);
  // Content-Length of the open body, if it has one.
  std::optional<std::uint64_t> body_length() const;

  // Pipelining: posts a request with a small body without waiting; its answer comes by next_answer(), in order. Only
  // for idempotent requests with short answers, a few dozen at a time. After an error everything posted is void.
  Result<void> post(const ClientRequest& request);
  Result<ClientAnswer> next_answer(std::size_t most_bytes = 64U << 10);

  // From another thread or a signal handler: makes the running call fail soon with Kind::unavailable, and all later
  // ones.
  void interrupt();
  void close();

  // Every call fails with Kind::unavailable after that moment, however much or little arrives until then; what is being
  // sent ends by stall_time alone. None: no limit but those of the options.
  void set_deadline(std::optional<Steady> deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::http
