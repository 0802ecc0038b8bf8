#include "send/small_files.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "api/drop_client.h"
#include "api/refusals.h"
#include "api/retry.h"
#include "base/running_sums.h"
#include "base/thrown.h"
#include "send/source_file.h"

namespace qrx::send {
namespace {

constexpr std::size_t most_posted = 16;  // requests under way on one connection
constexpr std::size_t most_posted_bytes = 1U << 20;
constexpr std::size_t files_worth_a_connection = 16;

// The files that no connection has taken yet. Thread-safe.
class WorkQueue {
 public:
  explicit WorkQueue(const std::vector<std::size_t>& indexes) : left_(indexes.begin(), indexes.end()) {}

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
  struct Posted {
    std::size_t index;
    SentFile file;
    Xxh128Sum wire_sum;
    std::size_t wire_size;
  };

  Result<void> send_until_trouble() {
    answered_ = 0;
    if (queue_.error()) return {};  // another connection gave up: so does this one
    for (;;) {
      while (posted_.size() < most_ && (posted_.empty() || posted_bytes_ < most_posted_bytes)) {
        const auto index = queue_.take();
        if (!index) break;
        if (auto done = post(*index); !done) {
          queue_.put_back(*index);
          return done;
        }
      }
      if (posted_.empty()) return {};
      if (auto done = take_answer(); !done) return done;
    }
  }

  // What was posted and not answered is posted again, by whichever connection.
  Result<api::Next> after_trouble(const Error& error, api::Asked asked) {
    for (auto it = posted_.rbegin(); it != posted_.rend(); ++it) queue_.put_back(it->index);
    posted_.clear();
    posted_bytes_ = 0;
    if (answered_ == 0) return api::Next::pause;
    backoff_.progress();
    if (!api::is_temporary(error.kind) || asked) return api::Next::pause;
    // Something on the way ends a connection after an answer: do without pipelining.
    most_ = 1;
    return job_.interrupt.raised() ? api::Next::pause : api::Next::at_once;
  }

  Result<void> post(std::size_t index) {
    const Source& source = job_.list.sources[index];
    auto file = SourceFile::open(source, job_.plan != nullptr);
    if (!file) return tl::unexpected(file.error());
    std::string bytes(static_cast<std::size_t>(*source.size), '\0');
    for (std::size_t at = 0; at < bytes.size();) {
      const auto got = file->read_at(at, std::as_writable_bytes(std::span(bytes)).subspan(at));
      if (!got) return tl::unexpected(got.error());
      if (*got == 0) return became_shorter(source);
      at += *got;
    }
    if (auto same = file->check_unchanged(); !same) return same;
    const Sums plain = sums_of(as_bytes(bytes), job_.options.sha256);
    Posted posted{index, {source.name, *source.size, plain.xxh128, plain.sha256}, plain.xxh128, 0};
    if (job_.plan != nullptr) {
      auto sealer = job_.plan->sealer(index);
      auto sealed = sealer ? seal_whole(std::move(*sealer), as_bytes(bytes)) : tl::unexpected(sealer.error());
      if (!sealed) return tl::unexpected(sealed.error());
      bytes = std::move(*sealed);
      posted.wire_sum = sums_of(as_bytes(bytes), false).xxh128;
    }
    if (!job_.rate.take(bytes.size(), job_.interrupt)) return fail(Kind::unavailable, "interrupted");
    posted.wire_size = bytes.size();
    if (auto done =
            client_.post_small(job_.delivery, job_.wire_name(index), std::move(bytes), job_.told_properties(index));
        !done)
      return done;
    posted_bytes_ += posted.wire_size;
    posted_.push_back(std::move(posted));
    return {};
  }

  Result<void> take_answer() {
    const auto sum = client_.small_answer();
    if (!sum) return tl::unexpected(sum.error());
    ++answered_;
    Posted posted = std::move(posted_.front());
    posted_.pop_front();
    posted_bytes_ -= posted.wire_size;
    if (*sum && **sum != posted.wire_sum)
      return fail(Kind::integrity, "the server received other bytes of " + posted.file.name + " than were sent");
    job_.finish(posted.index, std::move(posted.file), posted.wire_sum, posted.wire_size);
    return {};
  }

  SendJob& job_;
  WorkQueue& queue_;
  api::DropClient client_;
  api::Backoff backoff_;
  std::deque<Posted> posted_;
  std::size_t posted_bytes_ = 0;
  std::size_t most_ = most_posted;
  std::size_t answered_ = 0;
};

}  // namespace

Result<void> send_small_files(SendJob& job, const std::vector<std::size_t>& indexes) {
  if (indexes.empty()) return {};
  WorkQueue queue(indexes);
  const std::size_t worth = (indexes.size() + files_worth_a_connection - 1) / files_worth_a_connection;
  const std::size_t count = std::clamp<std::size_t>(worth, 1, std::max(job.options.connections, 1U));
  const auto work = [&] {
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
