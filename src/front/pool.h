// Threads that run tasks. Their number grows when tasks have to wait because threads are held by slow disks (not when
// the processors are busy: more threads would not help), and shrinks again; more tasks than threads queue up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::front {

class Pool {
 public:
  class Task {
   public:
    virtual void run() = 0;  // must not throw

   protected:
    virtual ~Task() = default;
  };

  // `watch` is called (from any thread, must not block) when more tasks wait than threads are free: tend() is due soon,
  // and again as long as has_waiting_tasks().
  Pool(unsigned least, unsigned most, std::function<void()> watch);
  ~Pool();  // runs what is queued, then joins

  Result<void> start();  // Kind::unavailable when there is not even one thread
  void submit(Task& task);
  // For the thread that calls tend(): does not call `watch`.
  void submit(std::span<Task* const> tasks);

  // Adds a thread if the oldest task has waited for a while and a processor is free. One thread calls it.
  void tend();

  bool has_waiting_tasks() const { return waiting_.load(std::memory_order_relaxed) > 0; }
  unsigned idle() const { return idle_.load(std::memory_order_relaxed); }
  unsigned threads() const { return threads_count_.load(std::memory_order_relaxed); }
  void stop();  // as the destructor

 private:
  struct Queued {
    Task* task;
    Steady since;
  };
  struct Thread {
    std::thread handle;
    int kernel_id = 0;
  };
  // The number of threads to wake, and whether `watch` is due.
  std::pair<std::size_t, bool> enqueue(std::span<Task* const> tasks);
  void work();
  // All under the mutex.
  Result<void> add_thread();
  bool is_starved() const;  // the oldest task has waited for a while, and there may be one thread more

  const unsigned least_;
  const unsigned most_;
  const unsigned processors_;
  const std::function<void()> watch_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Queued> queue_;
  std::unordered_map<std::thread::id, Thread> threads_;
  std::vector<std::thread> finished_;
  std::atomic<unsigned> idle_{0};
  std::atomic<unsigned> threads_count_{0};
  std::atomic<std::size_t> waiting_{0};
  bool watching_ = false;  // tend() will be called soon
  bool stopping_ = false;
};

}  // namespace qrx::front
