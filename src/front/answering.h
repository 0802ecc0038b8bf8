// One request being answered: from its head, by way of the routes, to the last byte of the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "front/body_receiver.h"
#include "front/body_sender.h"
#include "front/connection_io.h"
#include "front/exchange.h"
#include "front/large_answers.h"
#include "front/peer_limits.h"
#include "front/waiters.h"
#include "front/work_queue.h"
#include "http/answer_head.h"
#include "http/framing.h"

namespace qrx::front {

// Only for the thread that runs the connection. What routes throw is told, and becomes an answer of status 500.
class Answering {
 public:
  enum class Phase : std::uint8_t {
    receiving,   // a body into its sink
    waiting,     // for a topic or a moment
    sending,     // a body from its source
    confirming,  // until the client has acknowledged that
    answered,    // the whole answer is in io.out: write it
    sent,        // everything was sent
    flawed,      // the body's coding was broken: see flaw(); nothing was answered
  };

  // The socket's other end: its address (empty: a Unix socket), and whether it came by the control socket.
  struct RemoteEnd {
    const std::string& peer;
    bool is_control;
  };
  // `io` and `waiter` outlive it.
  Answering(ConnectionIo& io, WaiterList::Waiter& waiter, http::RequestHead head, const RemoteEnd& remote);

  Step begin();  // asks the handler
  Step run();    // the next step of receiving, waiting, sending or confirming
  // The deadline has passed: true when that ends the connection.
  bool ends_by_time();
  void abandon();  // the connection ends before the answer is through

  Phase phase() const { return phase_; }
  const http::Flaw& flaw() const { return body_->flaw(); }
  bool closes() const { return close_after_; }    // the connection, after the answer
  bool lingers() const { return linger_after_; }  // ... which the client is to see, whatever it sends meanwhile
  bool has_unread_body() const { return body_ && !body_->is_done(); }

 private:
  Step start_reply(Reply reply);
  Step start_answer(const http::Answer& answer);
  Step start_receive(std::unique_ptr<BodySink> sink);
  Step start_send(Send send);
  Step start_work(Work work);
  Step refuse_for_now();
  Step receive();
  Step wait();
  Step send();
  Step write(std::string answer, bool close);
  bool take_share();
  bool closes_after(bool answer_closes);
  http::Persistence persistence(bool close) const;

  ConnectionIo& io_;
  WaiterList::Waiter& waiter_;
  std::shared_ptr<const http::Request> request_;
  const bool is_control_;
  const bool is_other_peer_;  // than the socket's own, which is counted already
  bool keep_alive_;
  const bool http_1_0_;
  bool expects_continue_;
  bool close_after_ = false;
  bool linger_after_ = false;
  Phase phase_ = Phase::answered;
  std::unique_ptr<BodyReceiver> body_;  // of the request, if it has one or a sink was given
  std::unique_ptr<BodySender> sender_;  // of the answer's body
  std::optional<Wait> wait_;
  PeerLimits::Hold proxied_;   // of a client behind a proxy: as if it had this connection itself
  LargeAnswers::Hold large_;   // of an answer that is large
  PeerLimits::Hold transfer_;  // of a body on its way into a file or out of one
  WorkQueue::Ticket work_;     // what the wait is for, when it is for work
};

}  // namespace qrx::front
