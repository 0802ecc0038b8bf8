#include "s3/object_blobs.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <utility>

#include "base/checksum.h"
#include "s3/object_names.h"
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
      if (!removed) failed_.emplace_back(blob, std::move(removed.error()));
      ended_.notify_all();
    });
  }
  std::vector<std::pair<space::BlobKey, Error>> end(ObjectStore& store) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return under_way_ == 0; });
    for (auto& [blob, error] : failed_)
      if (error.kind != Kind::locked) error = store.as_trouble(std::move(error));
    return std::move(failed_);
  }
  bool any_failed() {
    const std::lock_guard lock(mutex_);
    return !failed_.empty();
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

// The objects that go with a blob. Kind::locked: somebody else may be about to name one.
Result<std::vector<std::string>> nobody_else_has(ObjectStore& store, const space::BlobKey& blob,
                                                 const space::Extents& extents) {
  std::vector<std::string> objects;
  const WallTime now = store.clock.wall();
  for (const space::Extent& extent : extents) {
    if (!objects.empty() && objects.back() == extent.object) continue;
    // Of two that go at once, each sees the other: then it is found without a name later.
    const auto shared = store.catalog.shares_object(extent.object, blob);
    if (!shared) return tl::unexpected(shared.error());
    if (*shared) continue;
    const auto since = shared_since(extent.object);
    if (since && now - *since < store.shared_settles) return fail(Kind::locked, "an object of it is too new");
    objects.push_back(extent.object);
  }
  return objects;
}

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

// Whether it takes and gives again. On the loop's thread in part; `store` outlives the loop.
void look_again(ObjectStore& store) {
  const std::string name = "probe/" + Id::random().text();
  store.bucket->put(name, payload_of("probe\n", store.sum), store.sum, [&store, name](const Result<void>& put) {
    if (!put) {
      store.looking = false;
      return;
    }
    store.bucket->get(name, 0, 1, [&store, name](const Result<std::string>&) {
      store.bucket->remove(name, [&store](const Result<void>&) { store.looking = false; });
    });
  });
}

}  // namespace

Result<std::unique_ptr<ObjectBlobs>> ObjectBlobs::open(ObjectBlobsOptions options, space::Catalog& catalog,
                                                       Clock& clock) {
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
                                                           .clock = clock,
                                                           .wake = std::move(options.wake),
                                                           .failed = std::move(options.failed),
                                                           .shared_settles = options.shared_settles,
                                                           .trouble_after = options.trouble_after,
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
      store->clock,
      [raw = store.get()](const std::string& object, GroupPut::Bytes bytes, std::function<void(Result<void>)> done) {
        Payload payload;
        payload.size = bytes.size;
        payload.read = std::move(bytes.read);
        if (auto summed = PayloadSums::read_and_give(raw->sum, payload); !summed) return done(std::move(summed));
        raw->bucket->put(object, std::move(payload), raw->sum, std::move(done));
      });
  return std::unique_ptr<ObjectBlobs>(new ObjectBlobs(store));
}

// What is under way ends first: its callbacks know the bucket.
ObjectBlobs::~ObjectBlobs() {
  store_->group.reset();
  store_->loop.reset();
}

std::shared_ptr<LiveBlob> ObjectBlobs::live(const space::BlobKey& blob) {
  const std::lock_guard lock(mutex_);
  if (live_.size() >= swept_at_) {
    std::erase_if(live_, [](const auto& entry) { return entry.second.expired(); });
    swept_at_ = std::max<std::size_t>(1024, live_.size() * 2);
  }
  std::weak_ptr<LiveBlob>& entry = live_[blob];
  std::shared_ptr<LiveBlob> known = entry.lock();
  if (known == nullptr) entry = known = std::make_shared<LiveBlob>();
  return known;
}

Result<std::unique_ptr<space::Staged>> ObjectBlobs::create(const space::BlobKey& blob) {
  auto known = live(blob);
  {
    const std::lock_guard lock(known->mutex);
    known->reset_to({});
  }
  return std::make_unique<ObjectStaged>(store_, blob, std::move(known));
}

Result<std::unique_ptr<space::Staged>> ObjectBlobs::reopen(const space::BlobKey& blob) {
  auto extents = store_->catalog.extents(blob);
  if (!extents) return tl::unexpected(extents.error());
  auto known = live(blob);
  {
    const std::lock_guard lock(known->mutex);
    known->reset_to(*extents);
  }
  return std::make_unique<ObjectStaged>(store_, blob, std::move(known));
}

Result<std::unique_ptr<space::Opened>> ObjectBlobs::open(const space::BlobKey& blob) {
  auto known = live(blob);
  std::unique_lock lock(known->mutex);
  if (!known->loaded) {
    lock.unlock();
    auto extents = store_->catalog.extents(blob);
    if (!extents) return tl::unexpected(extents.error());
    lock.lock();
    if (!known->loaded) known->reset_to(*extents);
  }
  lock.unlock();
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
    if (removals.any_failed() && trouble()) {  // else each would be tried in vain for half a minute
      removals.fail(blob, {Kind::locked, "the store is in trouble", {}});
      continue;
    }
    auto extents = store_->catalog.extents(blob);
    if (!extents) {
      removals.fail(blob, extents.error());
      continue;
    }
    auto gone = nobody_else_has(*store_, blob, *extents);
    if (!gone) removals.fail(blob, gone.error());
    for (const std::string& object : gone ? *gone : std::vector<std::string>())
      removals.start(*store_->bucket, blob, object);
  }
  return removals.end(*store_);
}

Result<space::ObjectPage> ObjectBlobs::objects(const std::string& from) {
  auto page = wait<ListPage>([&](auto done) { store_->bucket->list("", from, listed_at_once, std::move(done)); });
  if (!page) return tl::unexpected(store_->as_trouble(page.error()));
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
  if (!removed) return tl::unexpected(store_->as_trouble(removed.error()));
  return {};
}

// catalog/ID says whose the objects are. Of two that come at once each sees the other, or the later one the earlier.
Result<void> ObjectBlobs::belong_to(const std::string& catalog, bool anew) {
  const std::string ours = owners + catalog;
  const auto look = [&]() -> Result<bool> {
    auto page = wait<ListPage>([&](auto done) { store_->bucket->list(owners, "", listed_at_once, std::move(done)); });
    if (!page) return tl::unexpected(page.error());
    bool found = false;
    for (const Listed& one : page->objects) {
      if (one.key != ours)
        return fail(Kind::usage, store_->bucket->text() + " has the contents of another catalog",
                    "put that catalog back, or name an empty prefix with --blobs");
      found = true;
    }
    return found;
  };
  const auto found = look();
  if (!found) return tl::unexpected(found.error());
  if (*found) return {};
  if (!anew)
    return fail(Kind::usage, store_->bucket->text() + " is not what this catalog's contents are in: it has no " + ours,
                "check --s3-endpoint; after a loss put the objects back from a backup");
  auto put = wait<void>([&](auto done) {
    store_->bucket->put(ours, payload_of("the contents of the catalog " + catalog + "\n", store_->sum), store_->sum,
                        std::move(done));
  });
  if (!put) return put;
  if (const auto again = look(); !again) {
    (void)remove_object(ours);
    return tl::unexpected(again.error());
  }
  return {};
}

std::optional<std::string> ObjectBlobs::trouble() {
  auto failing = store_->bucket->failing();
  if (!failing) return std::nullopt;
  // Nobody may be sent here while it lasts: then this is what finds out that it is over.
  if (!store_->looking.exchange(true)) look_again(*store_);
  if (system_clock().steady() - failing->since < store_->trouble_after) return std::nullopt;
  return std::move(failing->what);
}

void ObjectBlobs::measure(Measures& to) const {
  using enum Measure::Type;
  const auto add = [&to](const char* name, Measure::Type type, const char* help, std::uint64_t value) {
    to.push_back({name, type, help, static_cast<double>(value)});
  };
  store_->bucket->counts().measure(to);
  add("qrx_s3_failing", gauge, "Whether the last request to the S3 store failed, of those that store or of the others.",
      store_->bucket->failing() ? 1 : 0);
  add("qrx_s3_packs_total", counter, "Objects stored for several small contents.", store_->group->packs());
  add("qrx_s3_packed_total", counter, "Small contents in them.", store_->group->packed());
  add("qrx_spool_bytes", gauge, "Bytes in the spool, on their way to the S3 store.", store_->spool->used());
  add("qrx_spool_limit_bytes", gauge, "What --spool-max allows.", store_->spool->most());
}

}  // namespace qrx::s3
