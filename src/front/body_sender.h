// Gives the body of an answer to a connection, piece by piece from a source of the routes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "front/connection_io.h"
#include "front/exchange.h"
#include "front/waiters.h"

namespace qrx::front {

// Only for the thread that runs the connection. What the source throws is told, and breaks the body off.
class BodySender {
 public:
  // What stands in io.out (the head) goes first. `length` absent: `chunked`, or until the connection closes. `waiter`
  // is registered for the topics of a source that has nothing yet.
  BodySender(ConnectionIo& io, WaiterList::Waiter& waiter, std::unique_ptr<BodySource> source,
             std::optional<std::uint64_t> length, bool chunked);
  ~BodySender();  // the stream is still open, or was reset
  BodySender(const BodySender&) = delete;
  BodySender& operator=(const BodySender&) = delete;

  // Sends what there is. go_on: everything was handed to the socket.
  Step run();
  bool is_pending() const { return pending_; }  // the source has nothing yet: no stall of the client's

  bool wants_acknowledgement();
  // The last byte was handed to the socket: it counts as taken when the client's side has acknowledged it. go_on: it
  // has, and the source was told.
  Step await_acknowledgement();

 private:
  Step send_file_piece(std::size_t& quantum);
  Step next_piece();
  Step wait_for(const Id& topic);
  Step break_off();
  std::uint64_t unsent() const;

  ConnectionIo& io_;
  WaiterList::Waiter& waiter_;
  std::unique_ptr<BodySource> source_;
  std::optional<std::uint64_t> left_;
  std::optional<BodySource::FilePiece> file_;
  const bool chunked_;
  bool ended_ = false;         // the source gave all
  bool piece_in_out_ = false;  // io.out holds bytes of a piece that is not handed over yet
  bool pending_ = false;
  bool completed_ = false;
  Millis ask_pause_{1};
};

}  // namespace qrx::front
