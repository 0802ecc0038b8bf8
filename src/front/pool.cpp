#include "front/pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <system_error>

#include "base/unique_fd.h"

namespace qrx::front {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 4ms;         // a task that waited longer may get a new thread
constexpr unsigned many_threads = 16;  // from here on it has to wait longer for one
constexpr auto more_patience = 20ms;
constexpr auto spare_lifetime = 10s;  // a thread above the least that found nothing to do for so long ends

Steady now() {
  return std::chrono::steady_clock::now();
}

// The state letter of proc(5): R is running or ready to; 0 when it cannot be told.
char state_of(int kernel_id) {
  const UniqueFd file(::open(("/proc/self/task/" + std::to_string(kernel_id) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  char text[64];
  const ssize_t size = ::read(file.get(), text, sizeof text - 1);
  if (size <= 0) return 0;
  text[size] = '\0';
  // The second field is the name in parentheses, which may have any character in it.
  const char* end = std::strrchr(text, ')');
  return end != nullptr && end[1] == ' ' ? end[2] : '\0';
}

// Of threads that want a processor, 0 standing for one that has just begun. One that ended meanwhile counts for
// nothing.
unsigned runnable(const std::vector<int>& threads) {
  return static_cast<unsigned>(
      std::count_if(threads.begin(), threads.end(), [](int id) { return id == 0 || state_of(id) == 'R'; }));
}

}  // namespace

Pool::Pool(unsigned least, unsigned most, std::function<void()> watch)
    : least_(std::max(least, 1U)),
      most_(std::max(most, least_)),
      processors_(std::max(std::thread::hardware_concurrency(), 1U)),
      watch_(std::move(watch)) {}

Pool::~Pool() {
  stop();
}

Result<void> Pool::start() {
  const std::lock_guard lock(mutex_);
  while (threads_count_ < least_)
    if (auto added = add_thread(); !added) return threads_count_ > 0 ? Result<void>() : added;
  return {};
}

// When the system has no more threads, the ones there are go on.
Result<void> Pool::add_thread() {
  try {
    std::thread thread([this] { work(); });
    const auto id = thread.get_id();
    threads_.emplace(id, Thread{std::move(thread), 0});
    ++threads_count_;
    return {};
  } catch (const std::system_error& error) {
    return fail(Kind::unavailable, std::string("cannot start a thread: ") + error.what());
  }
}

std::pair<std::size_t, bool> Pool::enqueue(std::span<Task* const> tasks) {
  const auto since = now();
  const std::lock_guard lock(mutex_);
  for (Task* task : tasks) queue_.push_back({task, since});
  waiting_.store(queue_.size(), std::memory_order_relaxed);
  const std::size_t idle = idle_.load(std::memory_order_relaxed);
  // A thread that was woken counts as idle until it runs: what it will take is in the queue still.
  const bool watch = queue_.size() > idle && !std::exchange(watching_, true);
  return {std::min(tasks.size(), idle), watch};
}

void Pool::submit(Task& task) {
  Task* const one = &task;
  const auto [wake, watch] = enqueue(std::span<Task* const>(&one, 1));
  if (wake > 0) ready_.notify_one();
  if (watch) watch_();
}

void Pool::submit(std::span<Task* const> tasks) {
  if (tasks.empty()) return;
  for (auto wake = enqueue(tasks).first; wake > 0; --wake) ready_.notify_one();
}

bool Pool::is_starved() const {
  if (queue_.empty() || idle_ > 0 || stopping_ || threads_count_ >= most_) return false;
  return now() - queue_.front().since > (threads_count_ < many_threads ? patience : more_patience);
}

void Pool::tend() {
  std::vector<std::thread> finished;
  std::vector<int> threads;  // looked at when one more may be needed
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
    watching_ = !queue_.empty();
    if (is_starved())
      for (const auto& [id, thread] : threads_) threads.push_back(thread.kernel_id);
  }
  for (auto& thread : finished) thread.join();
  // Without the mutex: the kernel takes its time to say what a thread does, and no task should wait for that.
  // All processors have work: another thread would only take turns with those there are. Fewer: some wait for a disk.
  if (threads.empty() || runnable(threads) >= processors_) return;
  const std::lock_guard lock(mutex_);
  // Looked at again: a task may have been taken meanwhile.
  if (is_starved()) (void)add_thread();
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  if (const auto self = threads_.find(std::this_thread::get_id()); self != threads_.end())
    self->second.kernel_id = static_cast<int>(::gettid());
  for (;;) {
    if (queue_.empty()) {
      if (stopping_) return;
      ++idle_;
      const bool woken = ready_.wait_for(lock, spare_lifetime, [this] { return !queue_.empty() || stopping_; });
      --idle_;
      if (!woken && threads_count_ > least_) {
        const auto self = threads_.find(std::this_thread::get_id());
        // A thread cannot join itself: tend() does it.
        finished_.push_back(std::move(self->second.handle));
        threads_.erase(self);
        --threads_count_;
        return;
      }
      continue;
    }
    Task* const task = queue_.front().task;
    queue_.pop_front();
    if (queue_.empty()) watching_ = false;
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
    for (auto& [id, thread] : threads_) all.push_back(std::move(thread.handle));
    threads_.clear();
  }
  ready_.notify_all();
  for (auto& thread : all) thread.join();
  threads_count_ = 0;
}

}  // namespace qrx::front
