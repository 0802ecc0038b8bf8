// The connections of a catalog: made when they are needed, kept while they are of use. Private to src/pg.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pg/pg_connection.h"

namespace qrx::pg {

// Thread-safe.
class Pool {
 public:
  Pool(std::string dsn, unsigned most) : dsn_(std::move(dsn)), most_(most) {}

  // A connection for one thread; back in the pool at its end, unless it is lost.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Connection> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits for one of those that there may be. Kind::unavailable when none comes, or the server cannot be reached.
  Result<Lease> take();
  unsigned in_use();

 private:
  void give_back(std::unique_ptr<Connection> connection);

  const std::string dsn_;
  const unsigned most_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  unsigned taken_ = 0;
  // Who comes right after one that could not connect is told the same, instead of waiting as long again.
  std::optional<Error> refusal_;
  std::chrono::steady_clock::time_point refused_{};
};

}  // namespace qrx::pg
