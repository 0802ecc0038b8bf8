// What all blobs of one store of objects share. Private to src/s3.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "s3/bucket.h"
#include "s3/group_put.h"
#include "s3/spool.h"
#include "space/catalog.h"

namespace qrx::s3 {

// Whole parts of objects that were read for little of them: small files of one delivery lie side by side. Thread-safe.
class ReadBlocks {
 public:
  using Block = std::shared_ptr<const std::string>;
  static constexpr std::uint64_t block_bytes = 1U << 20;

  Block find(const std::string& object, std::uint64_t at);
  void keep(const std::string& object, std::uint64_t at, Block block);

 private:
  static constexpr std::size_t most_bytes = 32U << 20;
  struct Entry {
    std::string key;
    Block block;
  };
  std::mutex mutex_;
  std::list<Entry> by_use_;  // the latest first
  std::unordered_map<std::string, std::list<Entry>::iterator> place_;
  std::size_t bytes_ = 0;
};

struct ObjectStore {
  KeySource keys;
  std::unique_ptr<CurlLoop> loop;
  std::unique_ptr<Bucket> bucket;
  PayloadSum sum = PayloadSum::sha256;
  std::shared_ptr<Spool> spool;
  space::Catalog& catalog;
  Clock& clock;
  std::function<void(const Id&)> wake;
  std::function<void(const std::string&)> failed;
  Seconds shared_settles, trouble_after;
  std::unique_ptr<GroupPut> group;
  ReadBlocks blocks;
  std::atomic<std::uint64_t> read_ahead{0};  // bytes that wait for their readers
  std::atomic<bool> looking{false};          // whether the store is there

  // For the log, every now and then.
  void tell(const std::string& what);
  // What goes wrong with the store while it is used is its operator's business, and may be over soon: 503 to clients.
  Error as_trouble(Error error);

  std::mutex told_mutex{};
  Steady told{};
};

}  // namespace qrx::s3
