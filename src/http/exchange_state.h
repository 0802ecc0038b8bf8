// What a connection keeps only while a request is being answered.
#pragma once

#include <memory>
#include <optional>

#include "http/connection.h"

namespace qrx::http {

struct Connection::Exchange {
  std::shared_ptr<const Request> request;
  bool keep_alive = false;
  bool http_1_0 = false;
  bool expects_continue = false;

  // The request's body.
  bool body_done = true;
  std::uint64_t body_left = 0;  // without decoder
  std::unique_ptr<ChunkDecoder> decoder;
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
};

// Runs a function of the routes; what it throws becomes `otherwise`. Exceptions do not cross this border.
template <class F, class R>
R guarded(F&& function, R otherwise) {
  try {
    return function();
  } catch (...) {
    return otherwise;
  }
}

std::span<std::byte> thread_buffer();  // 128 KiB for each thread of the pool: no connection owns a buffer

inline Steady steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace qrx::http
