#include "front/work_queue.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/ip_address.h"

namespace qrx::front {
namespace {

constexpr int low_priority = 10;  // of nice(2): whoever answers goes first

}  // namespace

// All but the constants under the mutex of the queue.
class WorkQueue::Job {
 public:
  Job(Work given, std::string key) : peer(std::move(key)), work(std::move(given)) {}

  const std::string peer;
  const Id topic = Id::random();
  std::stop_source stop;
  Work work;
  std::optional<Reply> reply;
};

WorkQueue::Ticket& WorkQueue::Ticket::operator=(Ticket&& other) noexcept {
  drop();
  queue_ = other.queue_;
  job_ = std::move(other.job_);
  return *this;
}

Id WorkQueue::Ticket::topic() const {
  return job_->topic;
}

std::optional<Reply> WorkQueue::Ticket::take() {
  if (job_ == nullptr) return std::nullopt;
  const std::lock_guard lock(queue_->mutex_);
  return std::exchange(job_->reply, std::nullopt);
}

void WorkQueue::Ticket::drop() {
  if (job_ != nullptr) queue_->cancel(std::exchange(job_, nullptr));
}

WorkQueue::WorkQueue(const WorkQueueLimits& limits, std::function<Reply(const std::function<Reply()>&)> guard,
                     std::function<void(const Id&)> wake)
    : limits_(limits), guard_(std::move(guard)), wake_(std::move(wake)) {}

WorkQueue::~WorkQueue() {
  stop();
}

Result<void> WorkQueue::start() {
  const std::lock_guard lock(mutex_);
  try {
    // A thread that begins waits for the mutex until all are there.
    while (threads_.size() < limits_.threads) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    // With fewer threads long work takes longer; without any it would never end.
    if (threads_.empty()) return fail(Kind::unavailable, std::string("cannot start a thread: ") + error.what());
  }
  return {};
}

Result<WorkQueue::Ticket> WorkQueue::submit(Work work, const std::string& peer) {
  auto job = std::make_shared<Job>(std::move(work), peer_key(peer));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || count_ >= limits_.most) return fail(Kind::unavailable, "the server is overloaded");
    Share& share = shares_[job->peer];
    if (!job->peer.empty() && share.all >= limits_.most_per_peer)
      return fail(Kind::too_many, "too many long requests from this address are running; try again later");
    queue_.push_back(job);
    ++share.all;
    ++count_;
  }
  changed_.notify_one();
  return Ticket(*this, std::move(job));
}

void WorkQueue::cancel(const std::shared_ptr<Job>& job) {
  job->stop.request_stop();
  const std::lock_guard lock(mutex_);
  // Running work only ends at its next look at the stop token, and forgets itself then.
  const auto queued = std::find(queue_.begin(), queue_.end(), job);
  if (queued == queue_.end()) return;
  queue_.erase(queued);
  forget(*job);
}

void WorkQueue::forget(const Job& job) {
  --count_;
  const auto share = shares_.find(job.peer);
  if (--share->second.all == 0) shares_.erase(share);
}

std::shared_ptr<WorkQueue::Job> WorkQueue::next() {
  const auto found = std::find_if(queue_.begin(), queue_.end(), [this](const auto& job) {
    return job->peer.empty() || shares_.at(job->peer).running < limits_.running_per_peer;
  });
  if (found == queue_.end()) return nullptr;
  auto job = std::move(*found);
  queue_.erase(found);
  return job;
}

void WorkQueue::run(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Job>& job) {
  ++shares_.at(job->peer).running;
  running_.push_back(job);
  lock.unlock();
  Reply reply = guard_([&job] { return job->work.run(job->stop.get_token()); });
  job->work = {};  // what it holds is let go of here, not under the mutex
  lock.lock();
  std::erase(running_, job);
  --shares_.at(job->peer).running;
  forget(*job);
  // Of a client that is gone, a reply is let go of by whoever holds the job last: it may hold files open.
  job->reply = std::move(reply);
  lock.unlock();
  // After the reply is there, and without the mutex: whoever is woken takes it at once.
  wake_(job->topic);
  changed_.notify_one();  // the next of the same peer
  lock.lock();
}

void WorkQueue::work() {
  // By the id of the thread, for which Linux keeps a nice value of its own.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), low_priority);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto job = next();
    if (job == nullptr) {
      changed_.wait(lock);
      continue;
    }
    run(lock, job);
    lock.unlock();
    // The last reference may close files: not under the mutex.
    job.reset();
    lock.lock();
  }
}

void WorkQueue::stop() {
  std::deque<std::shared_ptr<Job>> forgotten;
  std::vector<std::shared_ptr<Job>> running;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    forgotten.swap(queue_);
    for (const auto& job : forgotten) forget(*job);
    running = running_;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (const auto& job : running) job->stop.request_stop();
  for (auto& thread : threads) thread.join();
}

}  // namespace qrx::front
