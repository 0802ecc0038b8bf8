#include "http/pool.h"

#include <algorithm>
#include <system_error>

namespace qrx::http {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 4ms;         // a task that waited longer gets a new thread
constexpr auto spare_lifetime = 10s;   // a thread above the least that found nothing to do for so long ends

Steady now() { return std::chrono::steady_clock::now(); }

}  // namespace

Pool::Pool(unsigned least, unsigned most, std::function<void()> watch)
    : least_(std::max(least, 1U)), most_(std::max(most, least_)), watch_(std::move(watch)) {}

Pool::~Pool() { stop(); }

void Pool::start() {
  const std::lock_guard lock(mutex_);
  while (threads_count_ < least_) add_thread();
}

void Pool::add_thread() {
  try {
    std::thread thread([this] { work(); });
    const auto id = thread.get_id();
    threads_.emplace(id, std::move(thread));
    ++threads_count_;
  } catch (const std::system_error&) {
    // The system has no more threads: the ones there are go on.
  }
}

void Pool::submit(Task& task) {
  Task* const one = &task;
  submit(std::span<Task* const>(&one, 1));
}

void Pool::submit(std::span<Task* const> tasks) {
  if (tasks.empty()) return;
  const auto since = now();
  unsigned idle = 0;
  {
    const std::lock_guard lock(mutex_);
    for (Task* task : tasks) queue_.push_back({task, since});
    waiting_.store(queue_.size(), std::memory_order_relaxed);
    idle = idle_.load(std::memory_order_relaxed);
  }
  for (std::size_t wake = std::min<std::size_t>(tasks.size(), idle); wake > 0; --wake) ready_.notify_one();
  if (idle == 0) watch_();
}

bool Pool::tend() {
  std::vector<std::thread> finished;
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
    if (!queue_.empty() && idle_.load() == 0 && !stopping_) {
      if (now() - queue_.front().since > patience && threads_count_ < most_) add_thread();
      again = threads_count_ < most_;
    }
  }
  for (auto& thread : finished) thread.join();
  return again;
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (queue_.empty()) {
      if (stopping_) return;
      ++idle_;
      const bool woken = ready_.wait_for(lock, spare_lifetime, [this] { return !queue_.empty() || stopping_; });
      --idle_;
      if (!woken && threads_count_ > least_) {
        const auto self = threads_.find(std::this_thread::get_id());
        finished_.push_back(std::move(self->second));
        threads_.erase(self);
        --threads_count_;
        return;
      }
      continue;
    }
    Task* const task = queue_.front().task;
    queue_.pop_front();
    waiting_.store(queue_.size(), std::memory_order_relaxed);
    lock.unlock();
    task->run();
    lock.lock();
  }
}

void Pool::stop() {
  std::vector<std::thread> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    all.swap(finished_);
    for (auto& [id, thread] : threads_) all.push_back(std::move(thread));
    threads_.clear();
  }
  ready_.notify_all();
  for (auto& thread : all) thread.join();
  threads_count_ = 0;
}

}  // namespace qrx::http
