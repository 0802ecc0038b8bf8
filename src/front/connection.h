// One client's connection: from the handshake through its requests, one after the other, to the close.
//
// It is an actor. Events (readable, writable, time, notice, stop) are posted to it from any thread; it runs on the pool
// by one thread at a time, as far as it gets without waiting for the network, and then holds no thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "front/lane.h"
#include "front/large_answers.h"
#include "front/parking.h"
#include "front/peer_shares.h"
#include "front/pool.h"
#include "front/proxies.h"
#include "front/server.h"
#include "front/timers.h"
#include "http/answer_head.h"
#include "http/framing.h"
#include "http/socket_stream.h"

namespace qrx::front {

class Connection;

// What all connections of a server share.
struct Front {
  Front(const ServerOptions& server_options, Handler request_handler, ErrorAnswer error_function,
        std::function<void()> wake_loop);

  const ServerOptions& options;
  const Handler handler;
  const ErrorAnswer error_answer;
  const std::function<void()> wake;  // the event loop looks at timers and pool again; async-signal-safe
  int epoll = -1;
  ProxyList trusted;
  Parking parking;
  PeerShares shares;
  LargeAnswers large;
  Timers timers;
  Pool pool;
  Lane lane;
  std::atomic<bool> stopping{false};  // no new requests; waits end
  std::atomic<bool> cutting{false};   // everything ends now
  std::atomic<unsigned> inline_polls{0};
  std::atomic<std::uint64_t> connections{0}, waiting{0}, requests{0}, bytes_in{0}, bytes_out{0};

  // In a catch block: the exception goes to options.failed. Never throws.
  void tell_exception() const noexcept;

  // Connections that have ended; the event loop frees them, because it may hold events of theirs.
  void bury(Connection& connection);
  std::vector<Connection*> take_buried();

 private:
  std::mutex buried_mutex_;
  std::vector<Connection*> buried_;
};

class Connection final : public Pool::Task, private Parking::Waiter {
 public:
  enum Signal : std::uint32_t {
    readable = 1,
    writable = 2,
    peer_closed = 4,
    broken = 8,
    time = 16,
    notice = 32,
    stop = 64,
    evict = 128,
    scheduled = 1U << 31  // on the pool, or ended for good
  };

  Connection(Front& front, http::Transport transport, std::uint64_t key, std::string peer, bool control,
             PeerShares::Hold share);
  ~Connection();

  // Notes the signals; true when the caller has to submit the connection to the pool.
  bool note(std::uint32_t signals);
  void post(std::uint32_t signals);

  std::uint64_t key() const { return key_; }  // for epoll and timers
  int fd() const { return transport_.fd(); }
  // When it came to rest between requests, in steady nanoseconds; 0: it is not at rest.
  std::int64_t resting_since() const { return resting_since_.load(std::memory_order_relaxed); }
  // The event loop: a timer of this connection fired.  True: its time has come, note(time).
  bool timer_fired(Steady now);
  void start_deadline();  // of the first head, from now

  void run() override;  // the pool's threads

 private:
  enum class Phase : std::uint8_t { handshake, head, writing, receiving, sending, waiting, settling, lingering };
  enum class Step : std::uint8_t { go_on, blocked, yield, closed };
  struct Exchange;

  void noticed() override { post(notice); }

  Step step();
  Step run_steps();
  Step handshake();
  Step read_head();
  Step rest();
  Step begin_request(std::string_view head);
  Step start_reply(Reply reply);
  Step start_answer(const http::Answer& answer);
  Step start_work(Work work);
  Step refuse(int status, const std::string& what);
  Step refuse_for_now();
  bool take_share();
  Step write_response(std::string bytes, bool close);
  Step write_out();
  Step flush(bool more_follows);  // go_on: everything in out_ is written
  Step after_exchange();
  Step wait_for_notice();
  Step linger();
  Step start_linger();
  void abandon();
  void end_exchange();

  // Bodies: connection_bodies.cpp
  Step start_receive(std::unique_ptr<BodySink> sink);
  Step receive();
  Step take_body(std::span<std::byte> bytes, std::size_t& taken);
  Step take_chunked(std::span<std::byte> bytes, std::size_t& taken);
  Step write_to_sink(ByteView bytes);
  Step refuse_body(const http::Flaw& flaw);
  void abandon_sink();
  Step finish_body();
  bool body_is_consumed();
  Step start_send(Send send);
  Step send_body();
  Step send_file_piece(std::size_t& quantum);
  Step next_piece();
  Step source_pending(const Id& topic);
  Step break_off();
  Step settle();
  bool wait_inline(short events);

  bool closes_after(bool answer_closes);
  http::Persistence persistence(bool close) const;
  http::Transport::Moved read_some(std::span<std::byte> space);
  bool has_stalled();
  Step block(http::Transport::State wanted);  // until the socket can go on, or stalls
  void watch(std::uint32_t events);           // which events epoll reports
  void set_deadline(Steady at);
  void clear_deadline() { deadline_.store(0); }
  http::Answer error_answer(const Error& error, int status) const;

  Front& front_;
  http::Transport transport_;
  const std::uint64_t key_;
  std::atomic<std::uint32_t> signals_{0};
  std::atomic<std::int64_t> deadline_{0};          // steady nanoseconds; 0: none
  std::atomic<std::int64_t> timer_at_{INT64_MAX};  // the earliest timer that is known to be set
  std::atomic<std::int64_t> resting_since_{0};

  // Below: only the thread that runs it.
  Phase phase_ = Phase::head;
  bool can_read_ = true;
  bool peer_closed_ = false;
  bool broken_ = false;
  bool time_over_ = false;
  bool noticed_ = false;
  bool evicted_ = false;
  bool fresh_ = true;  // no request yet
  bool head_started_ = false;
  bool close_after_ = false;
  bool linger_after_ = false;
  bool is_control_;
  std::uint32_t watched_;
  Steady last_moved_;  // when a byte of a body or an answer last went either way
  std::string peer_;
  PeerShares::Hold share_;
  std::string in_;   // bytes read and not yet used: the start of a head, or what came behind one
  std::string out_;  // bytes of the answer to be written
  std::size_t out_at_ = 0;
  std::size_t linger_left_ = 0;
  http::HeadScanner scanner_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace qrx::front
