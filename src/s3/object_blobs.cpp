#include "s3/object_blobs.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <utility>

#include "base/checksum.h"
#include "s3/object_opened.h"
#include "s3/object_staged.h"
#include "s3/probe.h"

namespace qrx::s3 {
namespace {

constexpr unsigned listed_at_once = 1000;
constexpr unsigned removed_at_once = 32;
constexpr auto probe_patience = Millis(5000);

// Removals under way at once, and those that failed.
class Removals {
 public:
  void start(Bucket& bucket, const space::BlobKey& blob, const std::string& object) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return under_way_ < removed_at_once; });
    ++under_way_;
    lock.unlock();
    bucket.remove(object, [this, blob](Result<void> removed) {
      const std::lock_guard locked(mutex_);
      --under_way_;
      if (!removed) failed_.emplace_back(blob, as_trouble(std::move(removed.error())));
      ended_.notify_all();
    });
  }
  std::vector<std::pair<space::BlobKey, Error>> end() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return under_way_ == 0; });
    return std::move(failed_);
  }
  void fail(const space::BlobKey& blob, Error error) {
    const std::lock_guard lock(mutex_);
    failed_.emplace_back(blob, std::move(error));
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  unsigned under_way_ = 0;
  std::vector<std::pair<space::BlobKey, Error>> failed_;
};

Payload payload_of(std::string bytes, PayloadSum sum) {
  Payload payload;
  payload.size = bytes.size();
  PayloadSums sums(sum);
  sums.update(as_bytes(bytes));
  sums.give(payload);
  payload.read = [kept = std::make_shared<const std::string>(std::move(bytes))](
                     std::uint64_t at, std::span<char> out) -> Result<std::size_t> {
    const std::size_t size = std::min<std::size_t>(out.size(), kept->size() - at);
    std::memcpy(out.data(), kept->data() + at, size);
    return size;
  };
  return payload;
}

}  // namespace

Result<std::unique_ptr<ObjectBlobs>> ObjectBlobs::open(ObjectBlobsOptions options, space::Catalog& catalog) {
  auto keys = KeySource::read(options.key_file);
  if (!keys) return tl::unexpected(keys.error());
  auto spool = Spool::open(options.spool, options.spool_max);
  if (!spool) return tl::unexpected(spool.error());
  CurlLoop::Options how;
  how.ca_file = options.ca_file;
  auto loop = CurlLoop::make(std::move(how));
  if (!loop) return tl::unexpected(loop.error());
  const std::shared_ptr<ObjectStore> store(new ObjectStore{.keys = {options.key_file, std::move(*keys)},
                                                           .loop = std::move(*loop),
                                                           .bucket = nullptr,
                                                           .spool = std::move(*spool),
                                                           .catalog = catalog,
                                                           .wake = std::move(options.wake),
                                                           .group = nullptr,
                                                           .blocks = {}});
  Perseverance brief;
  brief.give_up_after = probe_patience;
  Bucket first(options.place, store->keys, *store->loop, brief);
  auto sum = probe(first);
  if (!sum) return tl::unexpected(sum.error());
  store->sum = *sum;
  store->bucket = std::make_unique<Bucket>(std::move(options.place), store->keys, *store->loop);
  store->group = std::make_unique<GroupPut>(
      [raw = store.get()](const std::string& object, std::string bytes, std::function<void(Result<void>)> done) {
        raw->bucket->put(object, payload_of(std::move(bytes), raw->sum), raw->sum, std::move(done));
      });
  return std::unique_ptr<ObjectBlobs>(new ObjectBlobs(store));
}

// What is under way ends first: its callbacks know the bucket.
ObjectBlobs::~ObjectBlobs() {
  store_->group.reset();
  store_->loop.reset();
}

std::shared_ptr<LiveBlob> ObjectBlobs::live(const space::BlobKey& blob, bool& is_new) {
  const std::lock_guard lock(mutex_);
  if (live_.size() >= swept_at_) {
    std::erase_if(live_, [](const auto& entry) { return entry.second.expired(); });
    swept_at_ = std::max<std::size_t>(1024, live_.size() * 2);
  }
  std::weak_ptr<LiveBlob>& entry = live_[blob];
  std::shared_ptr<LiveBlob> known = entry.lock();
  is_new = known == nullptr;
  if (is_new) entry = known = std::make_shared<LiveBlob>();
  return known;
}

Result<std::unique_ptr<space::Staged>> ObjectBlobs::create(const space::BlobKey& blob) {
  bool is_new = false;
  return std::make_unique<ObjectStaged>(store_, blob, live(blob, is_new));
}

Result<std::unique_ptr<space::Staged>> ObjectBlobs::reopen(const space::BlobKey& blob) {
  auto extents = store_->catalog.extents(blob);
  if (!extents) return tl::unexpected(extents.error());
  bool is_new = false;
  auto known = live(blob, is_new);
  {
    const std::lock_guard lock(known->mutex);
    known->reset_to(*extents);
  }
  return std::make_unique<ObjectStaged>(store_, blob, std::move(known));
}

Result<std::unique_ptr<space::Opened>> ObjectBlobs::open(const space::BlobKey& blob) {
  bool is_new = false;
  auto known = live(blob, is_new);
  if (is_new) {
    auto extents = store_->catalog.extents(blob);
    if (!extents) return tl::unexpected(extents.error());
    const std::lock_guard lock(known->mutex);
    if (known->end() == 0) known->reset_to(*extents);
  }
  return std::make_unique<ObjectOpened>(store_, blob, std::move(known));
}

Result<void> ObjectBlobs::remove(const space::BlobKey& blob) {
  const auto failed = remove_all({&blob, 1});
  if (failed.empty()) return {};
  return tl::unexpected(failed.front().second);
}

std::vector<std::pair<space::BlobKey, Error>> ObjectBlobs::remove_all(std::span<const space::BlobKey> blobs) {
  Removals removals;
  for (const space::BlobKey& blob : blobs) {
    auto extents = store_->catalog.extents(blob);
    if (!extents) {
      removals.fail(blob, extents.error());
      continue;
    }
    std::string last;
    for (const space::Extent& extent : *extents) {
      if (extent.object == last) continue;
      last = extent.object;
      // Of two that go at once, each sees the other: then it is found without a name later.
      const auto shared = store_->catalog.shares_object(extent.object, blob);
      if (!shared)
        removals.fail(blob, shared.error());
      else if (!*shared)
        removals.start(*store_->bucket, blob, extent.object);
    }
  }
  return removals.end();
}

Result<space::ObjectPage> ObjectBlobs::objects(const std::string& from) {
  auto page = wait<ListPage>([&](auto done) { store_->bucket->list("", from, listed_at_once, std::move(done)); });
  if (!page) return tl::unexpected(as_trouble(page.error()));
  space::ObjectPage out;
  out.next = std::move(page->next);
  out.now = page->now;
  for (Listed& one : page->objects) {
    auto blob = blob_of(one.key);
    out.objects.push_back({std::move(one.key), blob, one.modified});
  }
  return out;
}

Result<void> ObjectBlobs::remove_object(const std::string& name) {
  auto removed = wait<void>([&](auto done) { store_->bucket->remove(name, std::move(done)); });
  if (!removed) return tl::unexpected(as_trouble(removed.error()));
  return {};
}

}  // namespace qrx::s3
