#include "front/answering.h"

#include <utility>

#include "base/text.h"

namespace qrx::front {
namespace {

constexpr std::size_t large_bytes = 1U << 20;          // an answer of more is held in memory while its client takes it
constexpr auto longest_work = std::chrono::hours(24);  // its client gives up long before

// All fields of that name are one list, in their order (RFC 9110, 5.3): a client that sends one of its own cannot hide
// what the proxy has added.
std::string forwarded_for(const http::Request& request) {
  std::string all;
  for (const auto& [name, value] : request.headers) {
    if (!equal_ignoring_case(name, "X-Forwarded-For")) continue;
    if (!all.empty()) all += ',';
    all += value;
  }
  return all;
}

// The request as the routes see it: with what the front knows of its client.
std::shared_ptr<const http::Request> complete(http::Request head, const ProxyList& trusted,
                                              const Answering::RemoteEnd& remote) {
  auto request = std::make_shared<http::Request>(std::move(head));
  request->peer = trusted.client_of(remote.peer, forwarded_for(*request));
  request->by_proxy = remote.peer.empty() || trusted.trusts(remote.peer);
  request->control = remote.is_control;
  return request;
}

}  // namespace

Answering::Answering(ConnectionIo& io, WaiterList::Waiter& waiter, http::RequestHead head, const RemoteEnd& remote)
    : io_(io),
      waiter_(waiter),
      request_(complete(std::move(head.request), io.context.trusted, remote)),
      is_control_(remote.is_control),
      is_other_peer_(!is_control_ && request_->peer != remote.peer),
      keep_alive_(head.keep_alive),
      http_1_0_(head.http_1_0),
      expects_continue_(head.expects_continue) {
  if (request_->has_body) body_ = std::make_unique<BodyReceiver>(io, waiter, *request_);
}

Step Answering::begin() {
  // A proxy is trusted with many connections: its clients are counted by their own addresses, or one of them could take
  // them all.
  if (is_other_peer_) {
    proxied_ = io_.context.peers.take(request_->peer, PeerLimits::What::connection);
    if (!proxied_) return refuse_for_now();
  }
  auto reply = guarded(
      io_.context, [&] { return std::optional(io_.context.handler(request_)); }, std::optional<Reply>());
  if (!reply) return start_answer(io_.context.answer_of(threw, 500));
  return start_reply(std::move(*reply));
}

Step Answering::run() {
  switch (phase_) {
    case Phase::receiving:
      return receive();
    case Phase::waiting:
      return wait();
    case Phase::sending:
      return send();
    case Phase::confirming: {
      const Step step = sender_->await_acknowledgement();
      if (step == Step::go_on) phase_ = Phase::sent;
      return step;
    }
    case Phase::answered:
    case Phase::sent:
    case Phase::flawed:
      break;
  }
  return Step::go_on;
}

bool Answering::ends_by_time() {
  switch (phase_) {
    case Phase::receiving:
      io_.time_over = io_.has_stalled();
      return io_.time_over;
    case Phase::sending:
      // A source that has nothing yet is no fault of the client: its deadline only asks the source again.
      if (!sender_->is_pending() && io_.has_stalled()) return true;
      io_.time_over = false;
      return false;
    case Phase::confirming:
      io_.time_over = false;
      return false;
    default:
      return false;  // a wait asks for it itself
  }
}

void Answering::abandon() {
  if (body_) body_->abandon();
}

Step Answering::start_reply(Reply reply) {
  if (auto* answer = std::get_if<http::Answer>(&reply)) return start_answer(*answer);
  if (auto* receive = std::get_if<Receive>(&reply)) return start_receive(std::move(receive->sink));
  if (auto* send = std::get_if<Send>(&reply)) return start_send(std::move(*send));
  if (auto* work = std::get_if<Work>(&reply)) return start_work(std::move(*work));
  wait_ = std::get<Wait>(std::move(reply));
  phase_ = Phase::waiting;
  return Step::go_on;
}

Step Answering::start_answer(const http::Answer& answer) {
  if (answer.body.size() > large_bytes && !large_) {
    // The answer is made already: what is bounded is how much lies in memory while slow clients take such answers.
    large_ = io_.context.large.take(answer.body.size());
    if (!large_) return refuse_for_now();
  }
  const bool close = closes_after(answer.close);
  return write(http::render_answer(request_->method, answer, persistence(close)), close);
}

Step Answering::refuse_for_now() {
  return start_answer(
      io_.context.answer_of(Error{Kind::unavailable, "too many requests from this address at once", ""}, 503));
}

Step Answering::write(std::string answer, bool close) {
  io_.out = std::move(answer);
  io_.out_at = 0;
  io_.last_moved = steady_now();
  close_after_ = close;
  phase_ = Phase::answered;
  return Step::go_on;
}

// Before a body needs a file: false when its peer has its share of those.
bool Answering::take_share() {
  if (is_control_ || transfer_) return true;
  transfer_ = io_.context.peers.take(request_->peer, PeerLimits::What::transfer);
  return static_cast<bool>(transfer_);
}

bool Answering::closes_after(bool answer_closes) {
  // With a body that was not read, nobody knows where the next request begins.
  return answer_closes || !keep_alive_ || io_.context.stopping || (body_ && !body_->is_consumed());
}

http::Persistence Answering::persistence(bool close) const {
  if (close) return http::Persistence::close;
  return http_1_0_ ? http::Persistence::keep_alive_1_0 : http::Persistence::keep_alive;
}

Step Answering::start_receive(std::unique_ptr<BodySink> sink) {
  if (!body_) body_ = std::make_unique<BodyReceiver>(io_, waiter_, *request_);
  body_->start(std::move(sink));
  // After the sink was made, which must hear that nothing comes.
  if (!take_share()) {
    body_->abandon();
    return refuse_for_now();
  }
  // Only now is the body wanted: a request that was refused before costs its client no upload (RFC 9110, 10.1.1).
  // Whoever sends already does not wait for it.
  if (expects_continue_ && !body_->is_done() && io_.in.empty()) io_.out = "HTTP/1.1 100 Continue\r\n\r\n";
  expects_continue_ = false;
  phase_ = Phase::receiving;
  return Step::go_on;
}

Step Answering::receive() {
  if (const Step step = body_->run(); step != Step::go_on) return step;
  switch (body_->ending()) {
    case BodyReceiver::Ending::complete:
      break;
    case BodyReceiver::Ending::refused: {
      auto answer = body_->on_error();
      // Its body goes on, and will be read and dropped for a while, so that the client gets to see why it was refused.
      answer.close = true;
      keep_alive_ = false;
      linger_after_ = true;
      return start_answer(answer);
    }
    case BodyReceiver::Ending::flawed:
      body_->abandon();
      phase_ = Phase::flawed;
      return Step::go_on;
  }
  auto reply = body_->finish();
  return reply ? start_reply(std::move(*reply)) : start_answer(io_.context.answer_of(threw, 500));
}

Step Answering::start_send(Send send) {
  if (send.source != nullptr && !take_share()) return refuse_for_now();
  const bool no_body =
      request_->method == "HEAD" || send.head.status == 204 || send.head.status == 304 || send.source == nullptr;
  const bool chunked = !send.length && !http_1_0_;
  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  const bool until_close = !send.length && http_1_0_ && !no_body;
  const bool close = closes_after(send.head.close || until_close);
  auto head = http::render_head(send.head, {send.length, chunked}, persistence(close));
  if (no_body) return write(std::move(head), close);

  io_.out = std::move(head);
  close_after_ = close;
  sender_ = std::make_unique<BodySender>(io_, waiter_, std::move(send.source), send.length, chunked);
  phase_ = Phase::sending;
  return Step::go_on;
}

Step Answering::send() {
  if (const Step step = sender_->run(); step != Step::go_on) return step;
  if (!sender_->wants_acknowledgement()) {
    phase_ = Phase::sent;
    return Step::go_on;
  }
  // Before the client's acknowledgement is waited for: it may close in turn, which says that it has all.
  if (close_after_) io_.stream.shutdown_write();
  phase_ = Phase::confirming;
  return Step::go_on;
}

// The work is waited for like anything else. Its ticket goes with this.
Step Answering::start_work(Work work) {
  auto ticket = io_.context.work_queue.submit(std::move(work), request_->peer);
  if (!ticket) return start_answer(io_.context.answer_of(ticket.error(), 0));
  work_ = std::move(*ticket);
  wait_ = Wait{work_.topic(), steady_now() + longest_work, [this](bool) { return work_.take(); }};
  phase_ = Phase::waiting;
  return Step::go_on;
}

Step Answering::wait() {
  // Nobody is there to hear the answer; what waits for it ends with this.
  if (io_.peer_closed || io_.broken) return Step::closed;
  auto& wait = *wait_;
  // To lose no wake-up: first the list, then a look at the state.
  if (!waiter_.is_waiting()) {
    io_.context.waiters.add(wait.topic, waiter_);
    io_.woken = true;
  }
  const bool over = std::exchange(io_.time_over, false) || io_.context.stopping || steady_now() >= wait.until;
  if (std::exchange(io_.woken, false) || over) {
    std::optional<Reply> reply;
    try {
      reply = wait.poll(over);
    } catch (...) {
      io_.context.tell_exception();
      reply = io_.context.answer_of(threw, 500);
    }
    if (!reply && over)
      reply = io_.context.answer_of(Error{Kind::unavailable, "there is no answer now", "try again"}, 503);
    if (reply) {
      io_.context.waiters.remove(waiter_);
      io_.deadline.clear();
      io_.last_moved = steady_now();
      wait_.reset();
      work_.drop();
      return start_reply(std::move(*reply));
    }
  }
  io_.deadline.set(wait.until);
  io_.watch(usual_events);
  return Step::blocked;
}

}  // namespace qrx::front
