// The answers that come over a client's connection: heads, and bodies of any framing and size, through one buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/chunked.h"
#include "http/client_connection.h"
#include "http/framing.h"

namespace qrx::http {

// For how long a client waits, and for whom.
struct Waits {
  std::string server;                 // for messages: "host:port"
  Millis answer_time;                 // from the last byte sent to the head of the answer
  Millis stall_time;                  // no byte moved in a body
  std::optional<Steady> last_moment;  // of everything

  // `patience`, as far as the last moment allows. Kind::unavailable once that is over: bytes that keep coming do not
  // put it off.
  Result<Millis> in_time(Millis patience) const;
};

// One thread at a time. Its errors are Kind::unavailable, and nothing more can be read from that connection then.
class AnswerReader {
 public:
  explicit AnswerReader(const Waits& waits) : waits_(waits) {}  // which outlive it

  void clear();  // for another connection: what was read ahead is dropped
  // Before a request: of its answer nothing has come.
  void expect() { began_ = false; }
  bool began() const { return began_; }              // some of it has come
  bool has_input() const { return begin_ != end_; }  // bytes are here that nobody asked for yet

  // True when bytes of an answer are there, or the end of the stream; without waiting.
  Result<bool> look(ClientConnection& connection);

  // The next final head (1xx heads are skipped), which answers `method`; opens its body, if it has one.
  Result<ResponseHead> read_head(ClientConnection& connection, const std::string& method);

  bool in_body() const { return in_body_; }
  bool keeps_alive() const { return keeps_alive_; }        // the connection may be used again after the body
  const BodyFraming& framing() const { return framing_; }  // of the last head
  std::uint64_t left() const { return left_; }             // of a body with a length
  // Bytes of the body; 0, or the last byte where the length is known, ends it. A body cut short is an error. REQUIRES:
  // in_body(), and space.
  Result<std::size_t> read(ClientConnection& connection, std::span<std::byte> space);

 private:
  Result<bool> fill(ClientConnection& connection, Millis patience);
  Result<std::size_t> take(ClientConnection& connection, std::span<std::byte> space);
  Result<std::size_t> read_chunked(ClientConnection& connection, std::span<std::byte> space);
  std::string_view input() const { return {reinterpret_cast<const char*>(buffer_.data()) + begin_, end_ - begin_}; }

  const Waits& waits_;
  std::vector<std::byte> buffer_;    // allocated at first use, kept
  std::size_t begin_ = 0, end_ = 0;  // unread input
  bool began_ = false;
  bool in_body_ = false;
  bool keeps_alive_ = false;
  BodyFraming framing_;
  std::uint64_t left_ = 0;
  ChunkDecoder chunks_;
};

}  // namespace qrx::http
