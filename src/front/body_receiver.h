// Takes the body of a request off a connection, into a sink of the routes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "front/connection_io.h"
#include "front/exchange.h"
#include "front/waiters.h"
#include "http/chunked.h"

namespace qrx::front {

// Only for the thread that runs the connection. What the sink throws is told and becomes an error.
class BodyReceiver {
 public:
  // `request` has the framing of the body, which may be none.
  // `waiter` is registered for the topics of a sink that is full.
  BodyReceiver(ConnectionIo& io, WaiterList::Waiter& waiter, const http::Request& request);

  void start(std::unique_ptr<BodySink> sink);
  // Takes what there is. go_on: it has ended.
  Step run();
  enum class Ending : std::uint8_t {
    complete,  // finish() is due
    refused,   // by the sink: on_error() is due
    flawed,    // not the coding that was announced: see flaw()
  };
  Ending ending() const { return ending_; }
  const http::Flaw& flaw() const { return decoder_->flaw(); }

  // What the sink makes of a complete body; it is gone then. Nothing: it threw.
  std::optional<Reply> finish();
  // The answer to what the sink refused.
  http::Answer on_error();
  void abandon();  // the body will not be complete; does nothing without a sink

  // Whether nothing of the body is left to be read. What has come already is dropped.
  bool is_consumed();
  bool is_done() const { return done_; }  // all of it was taken

 private:
  // False: it has ended before its time. `taken`: how many of the bytes were the body's.
  bool take(std::span<std::byte> bytes, std::size_t& taken);
  bool take_chunked(std::span<std::byte> bytes, std::size_t& taken);
  bool write(ByteView bytes);
  std::span<std::byte> space_to_read() const;
  Step wait_for_room();

  ConnectionIo& io_;
  WaiterList::Waiter& waiter_;
  const std::uint64_t length_;  // without decoder
  std::uint64_t left_;          // ... of it
  std::optional<http::ChunkDecoder> decoder_;
  std::unique_ptr<BodySink> sink_;
  bool done_;
  Ending ending_ = Ending::complete;
  Error error_;
};

}  // namespace qrx::front
