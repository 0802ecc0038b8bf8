#include "s3/group_put.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "s3/object_names.h"

namespace qrx::s3 {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t full_bytes = 4U << 20;
constexpr std::size_t full_count = 32;
// Others are waited for as long as costs little beside what the store took for the last object.
constexpr std::int64_t least_quiet_ms = 20, most_quiet_ms = 100;
constexpr std::int64_t worth_of_a_put = 4;

}  // namespace

GroupPut::GroupPut(Clock& clock, Put put)
    : clock_(clock),
      put_(std::move(put)),
      quiet_ms_(std::make_shared<std::atomic<std::int64_t>>(least_quiet_ms)),
      thread_([this] { run(); }) {}

GroupPut::~GroupPut() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// As many bytes as one member has of them.
Result<std::size_t> GroupPut::read(const Batch& batch, std::uint64_t at, std::span<char> out) {
  const auto after = std::upper_bound(batch.members.begin(), batch.members.end(), at,
                                      [](std::uint64_t place, const Member& one) { return place < one.at; });
  if (after == batch.members.begin()) return std::size_t{0};
  const Member& member = *std::prev(after);
  const std::uint64_t within = at - member.at;
  return member.bytes.read(within, out.first(std::min<std::uint64_t>(out.size(), member.bytes.size - within)));
}

void GroupPut::close(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Batch>& batch) {
  if (batch->members.size() > 1) {
    batch->object = shared_name(batch->object, clock_.wall());
    ++packs_;
    packed_ += batch->members.size();
  }
  lock.unlock();
  Bytes bytes{batch->size, [batch](std::uint64_t at, std::span<char> out) { return read(*batch, at, out); }};
  put_(batch->object, std::move(bytes),
       [batch, quiet = quiet_ms_, begun = SteadyClock::now()](const Result<void>& put) {
         const auto took = std::chrono::duration_cast<Millis>(SteadyClock::now() - begun).count();
         *quiet = std::clamp<std::int64_t>(took / worth_of_a_put, least_quiet_ms, most_quiet_ms);
         for (Member& member : batch->members)
           member.done(put ? Result<Placed>(Placed{batch->object, member.at})
                           : Result<Placed>(tl::unexpected(put.error())));
         batch->members.clear();  // with the files that have their bytes
       });
  lock.lock();
}

// Waits for others while some are about to come, then stores what came.
void GroupPut::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || open_ != nullptr || !full_.empty()) {
    if (!full_.empty()) {
      const auto batch = std::move(full_.front());
      full_.pop_front();
      close(lock, batch);
      continue;
    }
    if (open_ == nullptr) {
      changed_.wait(lock);
      continue;
    }
    const Steady due = open_->last + Millis(quiet_ms_->load());
    const bool full = open_->size >= full_bytes || open_->members.size() >= full_count;
    const bool alone = writers_ <= static_cast<int>(open_->members.size());
    if (full || alone || stopping_ || SteadyClock::now() >= due)
      close(lock, std::exchange(open_, nullptr));
    else
      changed_.wait_until(lock, due);
  }
}

void GroupPut::put(const std::string& object, Bytes bytes, Done done) {
  const std::lock_guard lock(mutex_);
  if (open_ != nullptr && open_->size + bytes.size > full_bytes) full_.push_back(std::exchange(open_, nullptr));
  if (open_ == nullptr) {
    open_ = std::make_shared<Batch>();
    open_->object = object;
  }
  const std::uint64_t size = bytes.size;
  open_->members.push_back({open_->size, std::move(bytes), std::move(done)});
  open_->size += size;
  open_->last = SteadyClock::now();
  changed_.notify_all();
}

}  // namespace qrx::s3
