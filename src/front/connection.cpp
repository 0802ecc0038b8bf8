#include "front/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/text.h"
#include "front/exchange_state.h"

namespace qrx::front {
namespace {

constexpr std::size_t head_read_bytes = 16384;
constexpr std::size_t most_linger_bytes = 32U << 20;
constexpr std::size_t large_bytes = 1U << 20;  // an answer of more is held in memory while its client takes it
constexpr auto linger_time = std::chrono::seconds(5);
constexpr auto longest_work = std::chrono::hours(24);  // its client gives up long before
constexpr std::uint32_t usual_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

std::int64_t nanoseconds(Steady time) {
  return time.time_since_epoch().count();
}

std::string forwarded_for(const http::Request& request) {
  std::string all;
  for (const auto& [name, value] : request.headers) {
    if (!equal_ignoring_case(name, "X-Forwarded-For")) continue;
    if (!all.empty()) all += ',';
    all += value;
  }
  return all;
}

}  // namespace

std::span<std::byte> thread_buffer() {
  constexpr std::size_t size = 128U << 10;  // what is read is hashed and written from there: more leaves the L2 cache
  thread_local const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  return {buffer.get(), size};
}

Front::Front(const ServerOptions& server_options, Handler request_handler, ErrorAnswer error_function,
             std::function<void()> wake_loop)
    : options(server_options),
      handler(std::move(request_handler)),
      error_answer(std::move(error_function)),
      wake(std::move(wake_loop)),
      pool(server_options.least_threads, server_options.most_threads, wake),
      lane(
          server_options.lane,
          [this](const std::function<Reply()>& work) -> Reply {
            try {
              return work();
            } catch (...) {
              tell_exception();
              return error_answer(threw, 500);
            }
          },
          [this](const Id& topic) { parking.notify(topic); }) {}

void Front::tell_exception() const noexcept {
  if (!options.failed) return;
  try {
    try {
      throw;
    } catch (const std::exception& exception) {
      options.failed(exception.what());
    } catch (...) {
      options.failed("an exception of an unknown type");
    }
  } catch (...) {
    // Memory is so short that it cannot even be said.
  }
}

void Front::bury(Connection& connection) {
  connections.fetch_sub(1);
  {
    const std::lock_guard lock(buried_mutex_);
    buried_.push_back(&connection);
  }
  if (stopping) wake();  // the loop waits for the last one
}

std::vector<Connection*> Front::take_buried() {
  const std::lock_guard lock(buried_mutex_);
  return std::exchange(buried_, {});
}

Connection::Connection(Front& front, http::Transport transport, std::uint64_t key, std::string peer, bool control,
                       PeerShares::Hold share)
    : front_(front),
      transport_(std::move(transport)),
      key_(key),
      phase_(transport_.is_tls() ? Phase::handshake : Phase::head),
      is_control_(control),
      watched_(usual_events),
      last_moved_(steady_now()),
      peer_(std::move(peer)),
      share_(std::move(share)),
      scanner_({front.options.most_line_bytes, front.options.most_head_bytes, front.options.most_headers}) {
  resting_since_ = nanoseconds(last_moved_);
}

Connection::~Connection() {
  if (is_parked()) front_.parking.remove(*this);
}

bool Connection::note(std::uint32_t signals) {
  return (signals_.fetch_or(signals | scheduled) & scheduled) == 0;
}

void Connection::post(std::uint32_t signals) {
  if (note(signals)) front_.pool.submit(*this);
}

void Connection::start_deadline() {
  set_deadline(steady_now() + front_.options.head_time);
}

void Connection::set_deadline(Steady at) {
  deadline_.store(nanoseconds(at));
  if (nanoseconds(at) >= timer_at_.load()) return;  // the timer that is set will see it
  timer_at_.store(nanoseconds(at));
  if (front_.timers.add(at, key_)) front_.wake();
}

bool Connection::timer_fired(Steady now) {
  timer_at_.store(INT64_MAX);
  const auto deadline = deadline_.load();
  if (deadline == 0) return false;
  if (deadline <= nanoseconds(now)) return true;
  timer_at_.store(deadline);
  front_.timers.add(Steady(Steady::duration(deadline)), key_);
  return false;
}

void Connection::watch(std::uint32_t events) {
  if (events == watched_) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_;
  if (::epoll_ctl(front_.epoll, EPOLL_CTL_MOD, transport_.fd(), &event) == 0) watched_ = events;
}

void Connection::run() {
  auto signals = signals_.exchange(scheduled);
  for (;;) {
    can_read_ = can_read_ || (signals & readable) != 0;
    peer_closed_ = peer_closed_ || (signals & peer_closed) != 0;
    broken_ = broken_ || (signals & broken) != 0;
    noticed_ = noticed_ || (signals & notice) != 0;
    evicted_ = evicted_ || (signals & evict) != 0;
    if ((signals & time) != 0) {
      const auto deadline = deadline_.load();
      if (deadline != 0 && deadline <= nanoseconds(steady_now())) {
        clear_deadline();
        time_over_ = true;
      }
    }
    Step end = front_.cutting ? Step::closed : Step::go_on;
    if (end == Step::go_on) end = run_steps();
    if (end == Step::closed) {
      abandon();
      transport_.close();
      front_.bury(*this);  // and is gone: the signals keep `scheduled`, so nobody submits it again
      return;
    }
    if (end == Step::yield) return front_.pool.submit(*this);
    auto nothing_new = static_cast<std::uint32_t>(scheduled);
    if (signals_.compare_exchange_strong(nothing_new, 0)) return;
    signals = signals_.exchange(scheduled);
  }
}

// What nothing else has caught (short memory, mostly) ends this connection, and no other.
Connection::Step Connection::run_steps() {
  try {
    for (;;)
      if (const Step end = step(); end != Step::go_on) return end;
  } catch (...) {
    front_.tell_exception();
    return Step::closed;
  }
}

Connection::Step Connection::step() {
  if (time_over_) {
    switch (phase_) {
      case Phase::handshake:
      case Phase::lingering:
        return Step::closed;
      case Phase::writing:
      case Phase::receiving:
        if (!has_stalled()) break;
        return Step::closed;
      case Phase::head:
        time_over_ = false;
        return in_.empty() ? Step::closed : refuse(408, "the head of the request took too long");
      case Phase::sending:
        if (!exchange_->pending && has_stalled()) return Step::closed;
        time_over_ = false;
        break;
      case Phase::waiting:
        break;
      case Phase::settling:
        time_over_ = false;
        break;
    }
  }
  switch (phase_) {
    case Phase::handshake:
      return handshake();
    case Phase::head:
      return read_head();
    case Phase::writing:
      return write_out();
    case Phase::receiving:
      return receive();
    case Phase::sending:
      return send_body();
    case Phase::waiting:
      return wait_for_notice();
    case Phase::settling:
      return settle();
    case Phase::lingering:
      return linger();
  }
  return Step::closed;
}

// A deadline may be from before the last bytes: a transfer that never had to wait since then did not move it.
bool Connection::has_stalled() {
  time_over_ = steady_now() - last_moved_ >= front_.options.stall_time;
  return time_over_;
}

Connection::Step Connection::block(http::Transport::State wanted) {
  if (wanted == http::Transport::State::want_write) {
    watch(usual_events | EPOLLOUT);
  } else {
    can_read_ = false;
    watch(usual_events);
  }
  return Step::blocked;
}

Connection::Step Connection::handshake() {
  if (front_.stopping || evicted_) return Step::closed;
  switch (const auto state = transport_.handshake()) {
    case http::Transport::State::done:
      phase_ = Phase::head;
      return Step::go_on;
    case http::Transport::State::want_read:
    case http::Transport::State::want_write:
      return block(state);
    default:
      return Step::closed;
  }
}

http::Transport::Moved Connection::read_some(std::span<std::byte> space) {
  const auto moved = transport_.read(space);
  if (moved.state == http::Transport::State::done) {
    front_.bytes_in.fetch_add(moved.bytes, std::memory_order_relaxed);
    // A short read has emptied the socket; the next byte makes a new event. An end that was told already does not.
    if (moved.bytes < space.size() && !transport_.is_tls() && !peer_closed_) can_read_ = false;
  }
  return moved;
}

Connection::Step Connection::read_head() {
  if (!in_.empty() && scanner_.scan(in_) != http::HeadScanner::State::more) {
    if (scanner_.state() == http::HeadScanner::State::flawed)
      return refuse(scanner_.flaw().status, scanner_.flaw().what);
    const std::string bytes = std::exchange(in_, {});
    in_.assign(bytes, scanner_.size());
    return begin_request(std::string_view(bytes).substr(0, scanner_.size()));
  }
  if (front_.stopping || (evicted_ && in_.empty())) return Step::closed;
  if (!can_read_) return rest();
  const auto space = thread_buffer().first(head_read_bytes);
  const auto moved = read_some(space);
  switch (moved.state) {
    case http::Transport::State::done:
      break;
    case http::Transport::State::want_read:
      can_read_ = false;
      return rest();
    case http::Transport::State::want_write:
      return block(moved.state);
    default:
      return Step::closed;
  }
  resting_since_.store(0, std::memory_order_relaxed);
  const auto bytes = as_text(space.first(moved.bytes));
  // The usual case: a whole head in one packet is used where it lies.
  if (in_.empty() && scanner_.scan(bytes) == http::HeadScanner::State::complete) {
    in_.assign(bytes.substr(scanner_.size()));
    return begin_request(bytes.substr(0, scanner_.size()));
  }
  in_ += bytes;
  return Step::go_on;
}

// Between requests, or in the middle of a head that is not all there.
Connection::Step Connection::rest() {
  const auto now = steady_now();
  if (in_.empty()) {
    in_.shrink_to_fit();
    out_.shrink_to_fit();
    if (!fresh_) set_deadline(now + front_.options.idle_time);
    if (resting_since_.load(std::memory_order_relaxed) == 0) resting_since_.store(nanoseconds(now));
  } else if (!head_started_) {
    head_started_ = true;
    if (!fresh_) set_deadline(now + front_.options.head_time);
  }
  watch(usual_events);
  return Step::blocked;
}

Connection::Step Connection::begin_request(std::string_view head) {
  auto parsed = http::parse_request_head(head);
  scanner_.reset();
  fresh_ = head_started_ = false;
  clear_deadline();
  last_moved_ = steady_now();
  front_.requests.fetch_add(1, std::memory_order_relaxed);
  if (!parsed) return refuse(parsed.error().status, parsed.error().what);

  exchange_ = std::make_unique<Exchange>();
  auto& exchange = *exchange_;
  auto request = std::make_shared<http::Request>(std::move(parsed->request));
  request->peer = front_.trusted.client_of(peer_, forwarded_for(*request));
  request->by_proxy = peer_.empty() || front_.trusted.trusts(peer_);
  request->control = is_control_;
  exchange.keep_alive = parsed->keep_alive;
  exchange.http_1_0 = parsed->http_1_0;
  exchange.expects_continue = parsed->expects_continue;
  exchange.body_done = !request->has_body;
  exchange.body_left = request->content_length.value_or(0);
  if (request->has_body && !request->content_length) exchange.decoder = std::make_unique<http::ChunkDecoder>();
  exchange.request = std::move(request);

  // The socket's own peer is counted already.
  if (!is_control_ && exchange.request->peer != peer_) {
    exchange.proxied = front_.shares.take(exchange.request->peer, PeerShares::What::connection);
    if (!exchange.proxied) return refuse_for_now();
  }
  auto reply = guarded(
      front_, [&] { return std::optional(front_.handler(exchange.request)); }, std::optional<Reply>());
  if (!reply) reply = error_answer(threw, 500);
  return start_reply(std::move(*reply));
}

Connection::Step Connection::start_reply(Reply reply) {
  if (auto* answer = std::get_if<http::Answer>(&reply)) return start_answer(*answer);
  if (auto* receive = std::get_if<Receive>(&reply)) return start_receive(std::move(receive->sink));
  if (auto* send = std::get_if<Send>(&reply)) return start_send(std::move(*send));
  if (auto* work = std::get_if<Work>(&reply)) return start_work(std::move(*work));
  exchange_->wait = std::get<Wait>(std::move(reply));
  phase_ = Phase::waiting;
  return Step::go_on;
}

// The work is waited for like anything else: parked. Its ticket goes with the exchange.
Connection::Step Connection::start_work(Work work) {
  auto ticket = front_.lane.submit(std::move(work), exchange_->request->peer);
  if (!ticket) return start_answer(error_answer(ticket.error(), 0));
  exchange_->work = std::move(*ticket);
  const auto poll = [this](bool) { return exchange_->work.take(); };
  exchange_->wait = Wait{exchange_->work.topic(), steady_now() + longest_work, poll};
  phase_ = Phase::waiting;
  return Step::go_on;
}

http::Answer Connection::error_answer(const Error& error, int status) const {
  http::Answer plain;
  plain.status = status == 0 ? 500 : status;
  return guarded(
      front_, [&] { return front_.error_answer(error, status); }, plain);
}

bool Connection::closes_after(bool answer_closes) {
  return answer_closes || !exchange_->keep_alive || front_.stopping || !body_is_consumed();
}

http::Persistence Connection::persistence(bool close) const {
  if (close) return http::Persistence::close;
  return exchange_->http_1_0 ? http::Persistence::keep_alive_1_0 : http::Persistence::keep_alive;
}

Connection::Step Connection::start_answer(const http::Answer& answer) {
  if (answer.body.size() > large_bytes && !exchange_->large) {
    exchange_->large = front_.large.take(answer.body.size());
    if (!exchange_->large) return refuse_for_now();
  }
  const bool close = closes_after(answer.close);
  return write_response(http::render_answer(exchange_->request->method, answer, persistence(close)), close);
}

// Before a body of this exchange needs a file: false when its peer has its share of those.
bool Connection::take_share() {
  if (is_control_ || exchange_->transfer) return true;
  exchange_->transfer = front_.shares.take(exchange_->request->peer, PeerShares::What::transfer);
  return static_cast<bool>(exchange_->transfer);
}

Connection::Step Connection::refuse_for_now() {
  return start_answer(error_answer(Error{Kind::unavailable, "too much is going on for this address", ""}, 503));
}

// Answers what cannot be served as HTTP, and closes: where the next request would start is unknown.
Connection::Step Connection::refuse(int status, const std::string& what) {
  auto answer = error_answer(Error{Kind::usage, "this is not a sound request: " + what, ""}, status);
  if (status == 405) answer.headers.push_back({"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"});
  end_exchange();
  in_.clear();
  linger_after_ = true;
  return write_response(http::render_answer("GET", answer, http::Persistence::close), true);
}

Connection::Step Connection::write_response(std::string bytes, bool close) {
  out_ = std::move(bytes);
  out_at_ = 0;
  close_after_ = close;
  phase_ = Phase::writing;
  last_moved_ = steady_now();
  return Step::go_on;
}

Connection::Step Connection::flush(bool more_follows) {
  while (out_at_ < out_.size()) {
    const auto moved = transport_.write(as_bytes(std::string_view(out_).substr(out_at_)), more_follows);
    switch (moved.state) {
      case http::Transport::State::done:
        break;
      case http::Transport::State::want_read:
      case http::Transport::State::want_write:
        set_deadline(last_moved_ + front_.options.stall_time);
        return block(moved.state);
      default:
        return Step::closed;
    }
    out_at_ += moved.bytes;
    front_.bytes_out.fetch_add(moved.bytes, std::memory_order_relaxed);
    if (out_at_ < out_.size()) last_moved_ = steady_now();
  }
  out_.clear();
  out_at_ = 0;
  return Step::go_on;
}

Connection::Step Connection::write_out() {
  const Step step = flush(false);
  return step == Step::go_on ? after_exchange() : step;
}

Connection::Step Connection::after_exchange() {
  const bool unread = exchange_ != nullptr && !exchange_->body_done;
  end_exchange();
  clear_deadline();
  if (close_after_) {
    // Closing with unread bytes in the socket would send a reset, which may overtake the answer.
    return linger_after_ || unread || can_read_ || !in_.empty() ? start_linger() : Step::closed;
  }
  phase_ = Phase::head;
  return Step::go_on;
}

Connection::Step Connection::wait_for_notice() {
  if (peer_closed_ || broken_) return Step::closed;
  auto& wait = *exchange_->wait;
  if (!is_parked()) {
    front_.parking.add(wait.topic, *this);
    noticed_ = true;
  }
  const bool over = std::exchange(time_over_, false) || front_.stopping || steady_now() >= wait.until;
  if (std::exchange(noticed_, false) || over) {
    const Error error{Kind::unavailable, "there is no answer now", "try again"};
    std::optional<Reply> reply;
    try {
      reply = wait.poll(over);
    } catch (...) {
      front_.tell_exception();
      reply = error_answer(threw, 500);
    }
    if (!reply && over) reply = error_answer(error, 503);
    if (reply) {
      front_.parking.remove(*this);
      clear_deadline();
      last_moved_ = steady_now();
      exchange_->wait.reset();
      exchange_->work.drop();
      return start_reply(std::move(*reply));
    }
  }
  set_deadline(wait.until);
  watch(usual_events);
  return Step::blocked;
}

Connection::Step Connection::start_linger() {
  transport_.shutdown_write();
  phase_ = Phase::lingering;
  linger_left_ = most_linger_bytes;
  in_ = {};
  set_deadline(steady_now() + (front_.stopping ? std::chrono::seconds(1) : linger_time));
  return Step::go_on;
}

// Takes and drops what the client still sends, within limits, so that it gets to see the answer.
Connection::Step Connection::linger() {
  while (linger_left_ > 0) {
    const auto moved = read_some(thread_buffer());
    switch (moved.state) {
      case http::Transport::State::done:
        break;
      case http::Transport::State::want_read:
        return block(moved.state);
      default:
        return Step::closed;
    }
    linger_left_ -= std::min(linger_left_, moved.bytes);
    if (front_.pool.has_waiting_tasks()) return Step::yield;
  }
  return Step::closed;
}

void Connection::abandon() {
  abandon_sink();
  end_exchange();
}

void Connection::end_exchange() {
  front_.parking.remove(*this);
  guarded(front_, [this] { exchange_.reset(); });
}

}  // namespace qrx::front
