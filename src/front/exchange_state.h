// What a connection keeps only while a request is being answered.
#pragma once

#include <memory>
#include <optional>

#include "front/connection.h"
#include "front/lane.h"

namespace qrx::front {

struct Connection::Exchange {
  std::shared_ptr<const http::Request> request;
  bool keep_alive = false;
  bool http_1_0 = false;
  bool expects_continue = false;

  // The request's body.
  bool body_done = true;
  std::uint64_t body_left = 0;  // without decoder
  std::unique_ptr<http::ChunkDecoder> decoder;
  std::unique_ptr<BodySink> sink;

  // The answer's body.
  std::unique_ptr<BodySource> source;
  bool chunked = false;
  bool ended = false;         // the source gave all
  bool piece_in_out = false;  // out_ holds bytes of a piece that is not handed over yet
  bool pending = false;       // the source has nothing yet
  std::optional<std::uint64_t> left;
  std::optional<BodySource::FilePiece> file;
  Millis settle_pause{1};

  std::optional<Wait> wait;
  PeerShares::Hold proxied;   // of a client behind a proxy: as if it had this connection itself
  LargeAnswers::Hold large;   // of an answer that is large
  PeerShares::Hold transfer;  // of a body on its way into a file or out of one
  Lane::Ticket work;          // what the wait is for, when it is for work
};

// Runs a function of the routes; what it throws is told and becomes `otherwise`. Exceptions do not cross this border.
template <class F, class R>
R guarded(const Front& front, F&& function, R otherwise) {
  try {
    return function();
  } catch (...) {
    front.tell_exception();
    return otherwise;
  }
}
template <class F>
void guarded(const Front& front, F&& function) {
  try {
    function();
  } catch (...) {
    front.tell_exception();
  }
}

inline const Error threw{Kind::other, "something went wrong in the server", ""};

std::span<std::byte> thread_buffer();  // 128 KiB for each thread of the pool: no connection owns a buffer

inline Steady steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace qrx::front
