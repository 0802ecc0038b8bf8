#include "front/connection.h"

#include <algorithm>
#include <utility>

#include "http/answer_head.h"

namespace qrx::front {
namespace {

using State = http::SocketStream::State;

// As many as a head may have (ServerOptions::most_head_bytes).
constexpr std::size_t head_read_bytes = 16384;
constexpr std::size_t most_linger_bytes = 32U << 20;
constexpr auto linger_time = std::chrono::seconds(5);
// A client may send requests without end and without waiting for answers: after so many it goes to the end of the queue
// when others wait.
constexpr unsigned requests_in_turn = 4;

std::int64_t nanoseconds(Steady time) {
  return time.time_since_epoch().count();
}

}  // namespace

Connection::Connection(ServerContext& context, http::SocketStream stream, std::uint64_t key, std::string peer,
                       bool control, PeerLimits::Hold share)
    : context_(context),
      key_(key),
      io_(context, std::move(stream), key),
      phase_(io_.stream.is_tls() ? Phase::handshake : Phase::head),
      is_control_(control),
      peer_(std::move(peer)),
      share_(std::move(share)),
      scanner_({context.options.most_line_bytes, context.options.most_head_bytes, context.options.most_headers}) {
  resting_since_ = nanoseconds(io_.last_moved);
}

Connection::~Connection() {
  if (is_waiting()) context_.waiters.remove(*this);
}

bool Connection::note(std::uint32_t signals) {
  // Only whoever sets `scheduled` submits it, so it is on the pool once at most, and run by one thread at a time.
  return (signals_.fetch_or(signals | scheduled) & scheduled) == 0;
}

void Connection::post(std::uint32_t signals) {
  if (note(signals)) context_.pool.submit(*this);
}

void Connection::start_deadline() {
  io_.deadline.set(steady_now() + context_.options.head_time);
}

void Connection::take(std::uint32_t signals) {
  io_.can_read = io_.can_read || (signals & readable) != 0;
  io_.peer_closed = io_.peer_closed || (signals & peer_closed) != 0;
  io_.broken = io_.broken || (signals & broken) != 0;
  io_.woken = io_.woken || (signals & wake) != 0;
  evicted_ = evicted_ || (signals & evict) != 0;
  // The deadline may have been moved since its timer fired.
  if ((signals & time) != 0 && io_.deadline.take(steady_now())) io_.time_over = true;
}

// `scheduled` is what keeps others from submitting it while it runs: it is given up only in the exchange that finds
// that nothing else was noted meanwhile.
void Connection::run() {
  auto signals = signals_.exchange(scheduled);
  answered_in_turn_ = 0;
  for (;;) {
    take(signals);
    const Step end = context_.cutting ? Step::closed : run_steps();
    if (end == Step::closed) {
      if (answering_ != nullptr) answering_->abandon();
      end_answering();
      // Before the loop hears of it: epoll reports nothing more of it, and the descriptor is free at once.
      io_.stream.close();
      context_.retire(*this);  // and is gone: the signals keep `scheduled`, so nobody submits it again
      return;
    }
    // Still `scheduled`: signals that come meanwhile are taken at the next run.
    if (end == Step::yield) return context_.pool.submit(*this);
    auto nothing_new = static_cast<std::uint32_t>(scheduled);
    if (signals_.compare_exchange_strong(nothing_new, 0)) return;
    signals = signals_.exchange(scheduled);
  }
}

// What nothing else has caught (short memory, mostly) ends this connection, and no other.
Step Connection::run_steps() {
  try {
    for (;;)
      if (const Step end = step(); end != Step::go_on) return end;
  } catch (...) {
    context_.tell_exception();
    return Step::closed;
  }
}

Step Connection::step() {
  if (io_.time_over) {
    if (phase_ == Phase::head) {
      io_.time_over = false;
      // A client that sent nothing asked nothing, and gets no answer (browsers open connections ahead).
      return io_.in.empty() ? Step::closed : refuse(408, "the head of the request took too long");
    }
    if (ends_by_time()) return Step::closed;
  }
  switch (phase_) {
    case Phase::handshake:
      return handshake();
    case Phase::head:
      return read_head();
    case Phase::answering: {
      const Step step = answering_->run();
      return step == Step::go_on ? after_answering() : step;
    }
    case Phase::writing:
      return write_out();
    case Phase::lingering:
      return linger();
  }
  return Step::closed;
}

bool Connection::ends_by_time() {
  if (phase_ == Phase::answering) return answering_->ends_by_time();
  if (phase_ == Phase::writing) io_.time_over = io_.has_stalled();
  return io_.time_over;
}

Step Connection::handshake() {
  if (context_.stopping || evicted_) return Step::closed;
  switch (const auto state = io_.stream.handshake()) {
    case State::done:
      phase_ = Phase::head;
      return Step::go_on;
    case State::want_read:
    case State::want_write:
      return io_.block(state);
    default:
      return Step::closed;
  }
}

Step Connection::read_head() {
  if (!io_.in.empty() && scanner_.scan(io_.in) != http::HeadScanner::State::more) {
    if (scanner_.state() == http::HeadScanner::State::flawed)
      return refuse(scanner_.flaw().status, scanner_.flaw().what);
    const std::string bytes = std::exchange(io_.in, {});
    io_.in.assign(bytes, scanner_.size());
    return begin_request(std::string_view(bytes).substr(0, scanner_.size()));
  }
  // Only one that rests is evicted: a request that has begun is served.
  if (context_.stopping || (evicted_ && io_.in.empty())) return Step::closed;
  if (!io_.can_read) return rest();
  const auto space = thread_buffer().first(head_read_bytes);
  const auto moved = io_.read_some(space);
  switch (moved.state) {
    case State::done:
      break;
    case State::want_read:
      io_.can_read = false;
      return rest();
    case State::want_write:
      return io_.block(moved.state);
    default:
      return Step::closed;
  }
  // Relaxed: the event loop only compares ages, to choose whom to evict.
  resting_since_.store(0, std::memory_order_relaxed);
  const auto bytes = as_text(space.first(moved.bytes));
  // The usual case: a whole head in one packet is used where it lies.
  if (io_.in.empty() && scanner_.scan(bytes) == http::HeadScanner::State::complete) {
    io_.in.assign(bytes.substr(scanner_.size()));
    return begin_request(bytes.substr(0, scanner_.size()));
  }
  io_.in += bytes;
  return Step::go_on;
}

// Between requests, or in the middle of a head that is not all there.
Step Connection::rest() {
  const auto now = steady_now();
  if (io_.in.empty()) {
    // Thousands of connections may rest: they keep no buffers.
    io_.in.shrink_to_fit();
    io_.out.shrink_to_fit();
    if (!fresh_) io_.deadline.set(now + context_.options.idle_time);
    if (resting_since_.load(std::memory_order_relaxed) == 0) resting_since_.store(nanoseconds(now));
  } else if (!head_started_) {
    // One deadline from the first byte of a head: a client that drips bytes gets no more time with each.
    head_started_ = true;
    if (!fresh_) io_.deadline.set(now + context_.options.head_time);
  }
  io_.watch(usual_events);
  return Step::blocked;
}

Step Connection::begin_request(std::string_view head) {
  auto parsed = http::parse_request_head(head);
  scanner_.reset();
  fresh_ = head_started_ = false;
  io_.deadline.clear();
  io_.last_moved = steady_now();
  context_.requests.fetch_add(1, std::memory_order_relaxed);
  if (!parsed) return refuse(parsed.error().status, parsed.error().what);

  WaiterList::Waiter& self = *this;
  answering_ = std::make_unique<Answering>(io_, self, std::move(*parsed), Answering::RemoteEnd{peer_, is_control_});
  phase_ = Phase::answering;
  const Step step = answering_->begin();
  return step == Step::go_on ? after_answering() : step;
}

// Where the answer stands after a step of it.
Step Connection::after_answering() {
  switch (answering_->phase()) {
    case Answering::Phase::flawed: {
      const http::Flaw flaw = answering_->flaw();
      return refuse(flaw.status, flaw.what);
    }
    case Answering::Phase::answered:
      close_after_ = answering_->closes();
      linger_after_ = answering_->lingers();
      phase_ = Phase::writing;
      return Step::go_on;
    case Answering::Phase::sent:
      close_after_ = answering_->closes();
      return after_exchange();
    default:
      return Step::go_on;
  }
}

// Answers what cannot be served as HTTP, and closes: where the next request would start is unknown.
Step Connection::refuse(int status, const std::string& what) {
  auto answer = context_.answer_of(Error{Kind::usage, "invalid request: " + what, ""}, status);
  // RFC 9110, 15.5.6: a 405 names what is allowed.
  if (status == 405) answer.headers.push_back({"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"});
  end_answering();
  io_.in.clear();
  io_.out = http::render_answer("GET", answer, http::Persistence::close);
  io_.out_at = 0;
  io_.last_moved = steady_now();
  close_after_ = linger_after_ = true;
  phase_ = Phase::writing;
  return Step::go_on;
}

Step Connection::write_out() {
  const Step step = io_.flush(false);
  return step == Step::go_on ? after_exchange() : step;
}

Step Connection::after_exchange() {
  const bool unread = answering_ != nullptr && answering_->has_unread_body();
  end_answering();
  io_.deadline.clear();
  if (close_after_) {
    // Closing with unread bytes in the socket would send a reset, which may overtake the answer.
    return linger_after_ || unread || io_.can_read || !io_.in.empty() ? start_linger() : Step::closed;
  }
  phase_ = Phase::head;
  return ++answered_in_turn_ >= requests_in_turn && context_.pool.has_waiting_tasks() ? Step::yield : Step::go_on;
}

Step Connection::start_linger() {
  io_.stream.shutdown_write();
  phase_ = Phase::lingering;
  linger_left_ = most_linger_bytes;
  io_.in = {};
  io_.deadline.set(steady_now() + (context_.stopping ? std::chrono::seconds(1) : linger_time));
  return Step::go_on;
}

// Takes and drops what the client still sends, within limits, so that it gets to see the answer.
Step Connection::linger() {
  while (linger_left_ > 0) {
    const auto moved = io_.read_some(thread_buffer());
    switch (moved.state) {
      case State::done:
        break;
      case State::want_read:
        return io_.block(moved.state);
      default:
        return Step::closed;
    }
    linger_left_ -= std::min(linger_left_, moved.bytes);
    if (context_.pool.has_waiting_tasks()) return Step::yield;
  }
  return Step::closed;
}

// With it goes what it holds of its peer's share; and work that nobody waits for any more is asked to stop.
void Connection::end_answering() {
  context_.waiters.remove(*this);
  guarded(context_, [this] { answering_.reset(); });
}

}  // namespace qrx::front
