// Small files: pipelined over several connections, so that neither the way to the server nor a single thread is idle.
#include <algorithm>
#include <deque>
#include <system_error>
#include <thread>

#include "api/refusals.h"
#include "send/send_job.h"

namespace qrx::send {
namespace {

constexpr std::size_t most_posted = 16;  // requests under way on one connection
constexpr std::size_t most_posted_bytes = 1U << 20;
constexpr std::size_t files_worth_a_connection = 16;

// The files that nobody has taken yet.
class Shelf {
 public:
  explicit Shelf(const std::vector<std::size_t>& indexes) : left_(indexes.begin(), indexes.end()) {}

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
  Worker(SendJob& job, Shelf& shelf) : job_(job), shelf_(shelf), client_(job.link, job.options.client) {}

  void run() {
    api::Patience patience = job_.patience();
    for (;;) {
      answered_ = 0;
      const auto round = send_until_trouble();
      if (round) return;
      for (auto it = posted_.rbegin(); it != posted_.rend(); ++it) shelf_.put_back(it->index);
      posted_.clear();
      posted_bytes_ = 0;
      const auto pause = client_.asked_pause();
      client_.close();
      if (answered_ > 0) {
        // Something on the way ends a connection after an answer: do without pipelining.
        if (api::is_temporary(round.error().kind) && !pause) most_ = 1;
        patience.progress();
        if (api::is_temporary(round.error().kind) && !pause && !job_.interrupt.raised()) continue;
      }
      if (auto go_on = patience.wait(round.error(), pause); !go_on) return shelf_.fail_with(go_on.error());
      if (shelf_.error()) return;
    }
  }

 private:
  struct Posted {
    std::size_t index;
    SentFile file;
    Xxh128Sum wire_sum;
    std::size_t wire_size;
  };

  Result<void> send_until_trouble() {
    for (;;) {
      while (posted_.size() < most_ && (posted_.empty() || posted_bytes_ < most_posted_bytes)) {
        const auto index = shelf_.take();
        if (!index) break;
        if (auto done = post(*index); !done) {
          shelf_.put_back(*index);
          return done;
        }
      }
      if (posted_.empty()) return {};
      if (auto done = settle(); !done) return done;
    }
  }

  Result<void> post(std::size_t index) {
    const Source& source = job_.list.sources[index];
    auto file = SourceFile::open(source, job_.plan != nullptr);
    if (!file) return tl::unexpected(file.error());
    std::string bytes(static_cast<std::size_t>(*source.size), '\0');
    for (std::size_t at = 0; at < bytes.size();) {
      const auto got = file->read_at(at, std::as_writable_bytes(std::span(bytes)).subspan(at));
      if (!got) return tl::unexpected(got.error());
      if (*got == 0) return fail(Kind::integrity, source.path + " became shorter while it was being sent");
      at += *got;
    }
    if (auto same = file->check_unchanged(); !same) return same;
    Posted posted{index, {source.name, *source.size, sum_of(bytes), std::nullopt}, {}, 0};
    if (job_.options.sha256) posted.file.sha256 = sha256(as_bytes(bytes));
    posted.wire_sum = posted.file.xxh128;
    if (job_.plan != nullptr) {
      auto sealer = job_.plan->sealer(index);
      auto sealed = sealer ? seal_whole(std::move(*sealer), as_bytes(bytes)) : tl::unexpected(sealer.error());
      if (!sealed) return tl::unexpected(sealed.error());
      bytes = std::move(*sealed);
      posted.wire_sum = sum_of(bytes);
    }
    if (!job_.pace.take(bytes.size(), job_.interrupt)) return fail(Kind::unavailable, "interrupted");
    posted.wire_size = bytes.size();
    if (auto done = client_.post_small(job_.delivery, job_.wire_name(index), std::move(bytes)); !done) return done;
    posted_bytes_ += posted.wire_size;
    posted_.push_back(std::move(posted));
    return {};
  }

  Xxh128Sum sum_of(const std::string& bytes) {
    sum_.reset();
    sum_.update(as_bytes(bytes));
    return sum_.sum();
  }

  Result<void> settle() {
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
  Shelf& shelf_;
  api::DropClient client_;
  Xxh128 sum_;
  std::deque<Posted> posted_;
  std::size_t posted_bytes_ = 0;
  std::size_t most_ = most_posted;
  std::size_t answered_ = 0;
};

}  // namespace

Result<void> send_small_files(SendJob& job, const std::vector<std::size_t>& indexes) {
  if (indexes.empty()) return {};
  Shelf shelf(indexes);
  const std::size_t worth = (indexes.size() + files_worth_a_connection - 1) / files_worth_a_connection;
  const std::size_t count = std::clamp<std::size_t>(worth, 1, std::max(job.options.connections, 1U));
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i) {
    try {
      threads.emplace_back([&] { Worker(job, shelf).run(); });
    } catch (const std::system_error&) {
      break;  // fewer will do
    }
  }
  Worker(job, shelf).run();
  for (auto& thread : threads) thread.join();
  if (const auto error = shelf.error()) return tl::unexpected(*error);
  return {};
}

}  // namespace qrx::send
