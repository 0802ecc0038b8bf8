#include "pg/pg_pool.h"

namespace qrx::pg {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds longest_wait{10};
constexpr std::chrono::milliseconds refusal_holds{200};

}  // namespace

Result<Pool::Lease> Pool::take() {
  std::unique_lock lock(mutex_);
  if (!returned_.wait_for(lock, longest_wait, [this] { return taken_ < most_; }))
    return fail(Kind::unavailable, "the catalog is busy");
  if (!idle_.empty()) {
    // The one used last: the others may be closed by the server or a pooler for being idle.
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    ++taken_;
    return Lease(*this, std::move(connection));
  }
  if (refusal_ && steady_clock::now() - refused_ < refusal_holds) return tl::unexpected(*refusal_);
  ++taken_;
  lock.unlock();
  // Its place is taken already; connecting takes seconds when nobody answers, and others get theirs back meanwhile.
  auto made = Connection::open(dsn_);
  if (made) return Lease(*this, std::move(*made));
  lock.lock();
  --taken_;
  refusal_ = made.error();
  refused_ = steady_clock::now();
  returned_.notify_one();
  return tl::unexpected(made.error());
}

unsigned Pool::in_use() {
  const std::lock_guard lock(mutex_);
  return taken_;
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  std::vector<std::unique_ptr<Connection>> old;  // closed without the lock
  const std::lock_guard lock(mutex_);
  --taken_;
  // One that broke was not alone, mostly: the server was started again.
  if (connection->lost()) {
    old.swap(idle_);
    old.push_back(std::move(connection));
  } else {
    idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

}  // namespace qrx::pg
