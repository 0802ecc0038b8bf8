#include "s3/group_put.h"

#include <utility>

#include "s3/object_names.h"

namespace qrx::s3 {
namespace {

constexpr std::size_t full_bytes = 1U << 20;
constexpr std::size_t full_count = 32;
constexpr auto quiet = Millis(20);

}  // namespace

GroupPut::~GroupPut() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void GroupPut::close(std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<Batch> batch = std::exchange(open_, nullptr);
  std::string bytes = std::exchange(batch->bytes, {});
  if (batch->members.size() > 1) {
    batch->object = shared_name(batch->object, system_clock().wall());
    ++packs_;
    packed_ += batch->members.size();
  }
  lock.unlock();
  put_(batch->object, std::move(bytes), [batch](const Result<void>& put) {
    for (auto& [at, done] : batch->members)
      done(put ? Result<Placed>(Placed{batch->object, at}) : Result<Placed>(tl::unexpected(put.error())));
  });
  lock.lock();
}

// Waits for others while some are about to come, then stores what came.
void GroupPut::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || open_ != nullptr) {
    if (open_ == nullptr) {
      changed_.wait(lock);
      continue;
    }
    const Steady due = open_->last + quiet;
    const bool full = open_->bytes.size() >= full_bytes || open_->members.size() >= full_count;
    const bool alone = writers_ <= static_cast<int>(open_->members.size());
    if (full || alone || stopping_ || std::chrono::steady_clock::now() >= due)
      close(lock);
    else
      changed_.wait_until(lock, due);
  }
}

void GroupPut::put(const std::string& object, const std::string& bytes, Done done) {
  std::unique_lock lock(mutex_);
  if (open_ != nullptr && open_->bytes.size() + bytes.size() > full_bytes) close(lock);
  if (open_ == nullptr) {
    open_ = std::make_shared<Batch>();
    open_->object = object;
  }
  open_->members.emplace_back(open_->bytes.size(), std::move(done));
  open_->bytes += bytes;
  open_->last = std::chrono::steady_clock::now();
  changed_.notify_all();
}

}  // namespace qrx::s3
