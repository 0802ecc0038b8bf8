// Where long work runs (Work in exchange.h): a few threads of low priority beside the pool that answers everybody, and
// a queue that is bounded in total and for each peer. What waits in the queue costs no thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "front/exchange.h"

namespace qrx::front {

struct WorkQueueLimits {
  unsigned threads = 3;
  unsigned running_per_peer = 2;  // so that one peer never holds all threads
  std::size_t most = 256;         // queued and running
  std::size_t most_per_peer = 32;
};

// Thread-safe.
class WorkQueue {
 public:
  class Job;

  // The right to a piece of work: when it goes, the work does. Queued work is forgotten, running work is asked to stop.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(WorkQueue& queue, std::shared_ptr<Job> job) : queue_(&queue), job_(std::move(job)) {}
    Ticket(Ticket&& other) noexcept = default;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { drop(); }

    Id topic() const;             // given to `wake` when the reply is there
    std::optional<Reply> take();  // the reply, once, when it is there
    void drop();

   private:
    WorkQueue* queue_ = nullptr;
    std::shared_ptr<Job> job_;
  };

  // `guard` runs the work and makes a reply of what it throws; `wake` is told the topic of a ticket. Both from the
  // threads of the queue.
  WorkQueue(const WorkQueueLimits& limits, std::function<Reply(const std::function<Reply()>&)> guard,
            std::function<void(const Id&)> wake);
  ~WorkQueue();  // as stop()

  Result<void> start();  // Kind::unavailable: the system has no thread for it
  // Kind::too_many: this peer has enough queued. Kind::unavailable: all have, or the queue has stopped. An empty peer
  // (a Unix socket) has no share of its own to stay in.
  Result<Ticket> submit(Work work, const std::string& peer);
  void stop();  // running work is asked to stop and waited for, what is queued is forgotten

  // Queued and running; any thread.
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  struct Share {
    std::size_t all = 0;
    unsigned running = 0;
  };
  void work();
  void run(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Job>& job);
  void cancel(const std::shared_ptr<Job>& job);
  // The oldest job whose peer does not run enough already. Under the mutex, as what follows.
  std::shared_ptr<Job> next();
  void forget(const Job& job);

  const WorkQueueLimits limits_;
  const std::function<Reply(const std::function<Reply()>&)> guard_;
  const std::function<void(const Id&)> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<std::shared_ptr<Job>> running_;
  std::unordered_map<std::string, Share> shares_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> count_{0};
  bool stopping_ = false;
};

}  // namespace qrx::front
