// One request and the ways to answer it, as the routes see them: no sockets, no threads.
//
// A handler never blocks on the network. It looks at the head of the request and returns a Reply, which is one of
//   Answer    the whole answer, now
//   Receive   take the body into a sink (only now is a byte of the body read, and 100 Continue sent), then go on
//   Send      an answer whose body comes from files, sent as fast as the client takes it
//   Wait      answer later, when a topic is woken or the time is over; costs no thread
//   Work      find the answer by work that takes long: in the work queue (work_queue.h), in turn with others
// A topic is the id of what is waited for; Server::wake() wakes it.
// The front runs handlers, sinks and sources on its pool; disk waits are fine there, what reads whole files or makes
// megabytes is not: those threads answer everybody. One exchange is never run by two threads at once, but by different
// threads one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "wire/id.h"

namespace qrx::front {

class BodySink;
class BodySource;
struct Receive;
struct Send;
struct Wait;
struct Work;
using Reply = std::variant<http::Answer, Receive, Send, Wait, Work>;

// Takes a request's body. Exactly one of finish() and abandon() is called, then it is destroyed.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // At most so many bytes are written at once: few where each costs much, so that others get their turn in between.
  virtual std::size_t most_at_once() const { return 1U << 20; }
  // A run of body bytes in order, up to 1 MiB. An error is answered by on_error and the connection is closed.
  virtual Result<void> write(ByteView bytes) = 0;
  // It has enough for now: nothing is read until the topic is woken (or soon after).
  virtual std::optional<Id> full() { return std::nullopt; }
  // The body is complete.
  virtual Reply finish() = 0;
  // write() failed: the answer. The default is made by the server's error function.
  virtual std::optional<http::Answer> on_error(const Error&) { return std::nullopt; }
  // The client went away, stalled, or the server stops. What was written may be kept.
  virtual void abandon() = 0;
};

struct Receive {
  std::unique_ptr<BodySink> sink;
};

// Gives an answer's body piece by piece.
class BodySource {
 public:
  struct FilePiece {  // bytes of an open file, sent by sendfile; fd stays the source's
    int fd;
    std::uint64_t offset;
    std::uint64_t size;  // > 0
  };
  struct MemoryPiece {
    std::string bytes;
  };
  struct Pending {
    Id topic;
  };  // nothing yet: ask again when the topic is woken (or soon after)
  struct End {};
  struct Broken {};  // cannot continue: the connection is cut, so that the client sees a short body
  using Next = std::variant<FilePiece, MemoryPiece, Pending, End, Broken>;

  virtual ~BodySource() = default;
  // The next piece. Called again only when the piece before was handed to the socket as a whole.
  virtual Next next() = 0;
  // True: completed() is wanted. It costs the next answer on this connection a round trip, so ask only where it counts.
  virtual bool wants_acknowledgement() const { return false; }
  // The client has taken everything: its TCP acknowledged the last byte, or closed in order after it.
  virtual void completed() {}
  // In its place, where that was wanted: the connection has ended before. Of what next() gave, so many bytes at its end
  // surely never left this machine, and never will.
  virtual void broken_off(std::uint64_t /*unsent*/) {}
};

struct Send {
  http::Answer head;                    // its body is ignored
  std::optional<std::uint64_t> length;  // absent: chunked
  std::unique_ptr<BodySource> source;   // may be null for HEAD
};

struct Wait {
  Id topic;
  Steady until;
  // Asked once after the exchange is registered for the topic (so that no wake-up is lost), at each wake-up, and with
  // time_over at the end, when it must give a reply. Nothing: go on waiting.
  std::function<std::optional<Reply>(bool time_over)> poll;
};

// Destroyed without having run when the client goes away first.
struct Work {
  // Gives up early, with any reply, when `stop` asks for it: the client is gone, or the server stops.
  std::function<Reply(std::stop_token stop)> run;
};

}  // namespace qrx::front
