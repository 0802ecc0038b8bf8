#include "send/small_files.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "api/drop_client.h"
#include "api/refusals.h"
#include "api/retry.h"
#include "base/thrown.h"
#include "send/small_item.h"
#include "wire/file_batch.h"

namespace qrx::send {
namespace {

// 16 answers in flight hide the way to a server that is 100 ms away at some 150 files a second for each connection.
constexpr std::size_t most_posted = 16;         // requests under way on one connection
constexpr std::size_t most_batches_posted = 2;  // of those of many files: the next is made while one is answered
constexpr std::size_t most_posted_bytes = 1U << 20;
constexpr std::size_t most_together = 64;
constexpr std::size_t most_bytes_together = 256U << 10;
constexpr std::size_t files_worth_a_connection = 16;

// The items that no connection has taken yet. Thread-safe.
class WorkQueue {
 public:
  explicit WorkQueue(const std::vector<std::size_t>& items) : left_(items.begin(), items.end()) {}

  std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    if (error_ || left_.empty()) return std::nullopt;
    const std::size_t index = left_.front();
    left_.pop_front();
    return index;
  }
  void put_back(std::size_t index) {
    const std::lock_guard lock(mutex_);
    left_.push_front(index);
  }
  // The first error counts: those after it are often its consequences.
  void fail_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  std::optional<Error> error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  std::mutex mutex_;
  std::deque<std::size_t> left_;
  std::optional<Error> error_;
};

// Loads files, sends many of them in one request, and again one by one what the server does not take so.
class Worker {
 public:
  Worker(SendJob& job, WorkQueue& queue)
      : job_(job), queue_(queue), client_(job.link, job.options.client), backoff_(job.backoff()) {}

  void run() {
    const auto done = api::retry(
        client_, backoff_, [this] { return send_until_trouble(); },
        [this](const Error& error, api::Asked asked) { return after_trouble(error, asked); });
    if (!done) queue_.fail_with(done.error());
  }

 private:
  struct Loaded {
    std::size_t index;
    SmallItem item;  // its bytes until they are posted
    std::size_t wire_size;
  };
  struct Posted {
    std::vector<Loaded> files;
    std::size_t bytes = 0;
  };

  Result<void> send_until_trouble() {
    answered_ = 0;
    if (queue_.error()) return {};  // another connection gave up: so does this one
    for (;;) {
      // One request after the other where something on the way cannot do with more.
      const std::size_t most = pipelined_ ? together_ ? most_batches_posted : most_posted : 1;
      // Not by bytes alone: one request is always allowed, however large.
      while (posted_.size() < most && (posted_.empty() || posted_bytes_ < most_posted_bytes)) {
        const auto posted = post_next();
        if (!posted) return tl::unexpected(posted.error());
        if (!*posted) break;
      }
      if (posted_.empty()) return {};
      if (auto done = take_answer(); !done) return done;
    }
  }

  // What was posted and not answered is posted again, by whichever connection.
  Result<api::Next> after_trouble(const Error& error, api::Asked asked) {
    // Backwards, each to the front: they come again in their order.
    for (auto it = posted_.rbegin(); it != posted_.rend(); ++it) put_back(*it);
    posted_.clear();
    posted_bytes_ = 0;
    // An older server, or a file that it does not take: its answer to that one says which, and why.
    const bool is_refused = !api::is_temporary(error.kind) && error.kind != Kind::integrity && !asked;
    if (is_refused && std::exchange(together_, false)) {
      client_.close();  // answers to what was put back may still come
      return api::Next::at_once;
    }
    if (answered_ == 0) return api::Next::pause;
    backoff_.progress();
    if (!api::is_temporary(error.kind) || asked) return api::Next::pause;
    // Something on the way ends a connection after each answer: one request at a time gets through.
    pipelined_ = false;
    return job_.interrupt.raised() ? api::Next::pause : api::Next::at_once;
  }

  void put_back(const Posted& posted) {
    for (auto it = posted.files.rbegin(); it != posted.files.rend(); ++it) queue_.put_back(it->index);
  }

  // False: there are no more.
  Result<bool> post_next() {
    Posted next;
    while (next.files.size() < (together_ ? most_together : 1) && next.bytes < most_bytes_together) {
      const auto index = queue_.take();
      if (!index) break;
      auto loaded = load(*index);
      if (!loaded) {
        queue_.put_back(*index);
        put_back(next);
        return tl::unexpected(loaded.error());
      }
      next.bytes += loaded->wire_size;
      next.files.push_back(std::move(*loaded));
    }
    if (next.files.empty()) return false;
    if (auto done = together_ ? post_together(next) : post_alone(next.files.front()); !done) {
      put_back(next);
      return tl::unexpected(done.error());
    }
    posted_bytes_ += next.bytes;
    posted_.push_back(std::move(next));
    return true;
  }

  Result<Loaded> load(std::size_t item) {
    auto loaded = load_small_item(job_, item);
    if (!loaded) return tl::unexpected(loaded.error());
    const std::size_t size = loaded->bytes.size();
    // Taken here and not when it is posted: a request that was begun is not paused.
    if (!job_.rate.take(size, job_.interrupt)) return fail(Kind::unavailable, "interrupted");
    return Loaded{item, std::move(*loaded), size};
  }

  Result<void> post_alone(Loaded& file) {
    return client_.post_small(job_.delivery, job_.wire_name(file.index), std::exchange(file.item.bytes, {}),
                              job_.told_properties(file.index));
  }

  Result<void> post_together(Posted& posted) {
    std::string body;
    // 160: the line before each file, with a name of usual length.
    body.reserve(posted.bytes + posted.files.size() * 160);
    for (Loaded& file : posted.files) {
      wire::add_to_batch(body, job_.wire_name(file.index), job_.told_properties(file.index), as_bytes(file.item.bytes));
      file.item.bytes = {};
    }
    return client_.post_batch(job_.delivery, std::move(body));
  }

  Result<void> take_answer() {
    std::vector<std::optional<Xxh128Sum>> sums;
    if (together_) {
      const auto answer = client_.batch_answer();
      if (!answer) return tl::unexpected(answer.error());
      sums.assign(answer->begin(), answer->end());
    } else {
      const auto sum = client_.small_answer();
      if (!sum) return tl::unexpected(sum.error());
      sums.push_back(*sum);
    }
    Posted& posted = posted_.front();
    if (sums.size() != posted.files.size())
      return fail(Kind::integrity, "the server took another number of files than were sent");
    // A server that gives no sum of one is compared at the commit.
    for (std::size_t i = 0; i < sums.size(); ++i)
      if (sums[i] && *sums[i] != posted.files[i].item.sum)
        return fail(Kind::integrity,
                    "the server received other bytes of " + posted.files[i].item.files[0].name + " than were sent");
    ++answered_;
    for (Loaded& file : posted.files)
      job_.finish(file.index, std::move(file.item.files), file.item.sum, file.wire_size);
    posted_bytes_ -= posted.bytes;
    posted_.pop_front();
    return {};
  }

  SendJob& job_;
  WorkQueue& queue_;
  api::DropClient client_;
  api::Backoff backoff_;
  std::deque<Posted> posted_;
  std::size_t posted_bytes_ = 0;
  bool together_ = true;  // many in one request
  bool pipelined_ = true;
  std::size_t answered_ = 0;
};

}  // namespace

Result<void> send_small_files(SendJob& job, const std::vector<std::size_t>& items) {
  if (items.empty()) return {};
  WorkQueue queue(items);
  const std::size_t worth = (items.size() + files_worth_a_connection - 1) / files_worth_a_connection;
  const std::size_t count = std::clamp<std::size_t>(worth, 1, std::max(job.options.connections, 1U));
  const auto work = [&] {
    // A thread of which something is thrown would end the program.
    if (auto ran = catching([&] { Worker(job, queue).run(); }); !ran) queue.fail_with(ran.error());
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i) {
    try {
      threads.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // fewer will do
    }
  }
  work();
  for (auto& thread : threads) thread.join();
  if (const auto error = queue.error()) return tl::unexpected(*error);
  return {};
}

}  // namespace qrx::send
