#include "s3/object_staged.h"

#include <algorithm>
#include <utility>

#include "s3/object_names.h"

namespace qrx::s3 {
namespace {

constexpr std::uint64_t least_object = 8U << 20, most_object = 64U << 20;
// An object costs the store about as much as some megabytes: of a large file there are few.
constexpr std::size_t doubled_at = 4, doubled_every = 128;  // objects: a terabyte is some 16,000 of them
constexpr unsigned most_in_flight = 4;
// A slow upload is recorded every two seconds, by objects of this size at least; or after a longer while by what came.
constexpr std::uint64_t worth_an_object = 1U << 20;
constexpr auto longest_unsealed = Seconds(10);

// So long may a row come to name it (Extent::until). An object that nothing names goes by the sweep of orphans, after
// two days, and one that several blobs share an hour after it was made (ObjectBlobsOptions::shared_settles).
constexpr auto alone_lasts = std::chrono::hours(24);
constexpr auto shared_lasts = std::chrono::minutes(10);

std::uint64_t size_of_next(std::size_t objects) {
  if (objects < doubled_at) return least_object;
  return std::min(2 * least_object << std::min<std::size_t>(objects / doubled_every, 2), most_object);
}

}  // namespace

void PayloadSums::update(ByteView bytes) {
  if (which_ == PayloadSum::sha256)
    sha256_.update(bytes);
  else
    crc32_.update(bytes);
}

void PayloadSums::give(Payload& payload) const {
  if (which_ == PayloadSum::sha256)
    payload.sha256 = to_hex(sha256_.sum());
  else
    payload.crc32 = crc32_.sum();
}

Result<void> PayloadSums::read_and_give(PayloadSum which, Payload& payload) {
  PayloadSums sums(which);
  std::vector<char> buffer(std::min<std::uint64_t>(payload.size, 256U << 10));
  for (std::uint64_t done = 0; done < payload.size;) {
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), payload.size - done);
    auto got = payload.read(done, {buffer.data(), wanted});
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::other, "the spool has lost bytes");
    sums.update(as_bytes(std::string_view(buffer.data(), *got)));
    done += *got;
  }
  sums.give(payload);
  return {};
}

ObjectStaged::ObjectStaged(std::shared_ptr<ObjectStore> store, const space::BlobKey& blob,
                           std::shared_ptr<LiveBlob> live)
    : store_(std::move(store)), blob_(blob), live_(std::move(live)), sealed_(system_clock().steady()) {
  const std::lock_guard lock(live_->mutex);
  given_ = live_->tail_first;
  ++live_->writers;
  store_->group->begun();
}

// Nobody was told of it, so nobody names it: it is removed, now or once it is stored.
void ObjectStaged::drop(const Lock&, Segment& segment) {
  if (segment.given || !segment.alone) return;
  segment.dropped = true;
  if (segment.stored) store_->bucket->remove(segment.extent.object, [](const Result<void>&) {});
}

ObjectStaged::~ObjectStaged() {
  if (counts_) store_->group->ended();
  const Lock lock(live_->mutex);
  --live_->writers;
  for (const auto& segment : mine_) drop(lock, *segment);
}

Result<void> ObjectStaged::failed(const Lock&) const {
  if (puts_->failure) return tl::unexpected(*puts_->failure);
  return {};
}

Result<void> ObjectStaged::write_at(std::uint64_t offset, ByteView bytes) {
  Lock lock(live_->mutex);
  if (auto sound = failed(lock); !sound) return sound;
  if (offset < live_->tail_first) return fail(Kind::other, "cannot change what is in the store already");
  if (live_->tail == nullptr) {
    auto made = store_->spool->make();
    if (!made) return tl::unexpected(made.error());
    live_->tail = std::move(*made);
    sums_.emplace(store_->sum);
  }
  const std::shared_ptr<SpoolFile> file = live_->tail;
  const std::uint64_t at = offset - live_->tail_first;
  lock.unlock();  // it may wait for room
  if (auto written = file->write_at(at, bytes); !written) {
    store_->tell(written.error().what);
    return written;
  }
  lock.lock();
  if (at == live_->tail_size && sums_)
    sums_->update(bytes);
  else
    sums_.reset();
  live_->tail_size = std::max(live_->tail_size, at + bytes.size());
  std::string& beginning = live_->beginning;
  if (offset <= beginning.size() && offset < LiveBlob::most_beginning) {
    beginning.resize(offset);
    beginning += as_text(bytes.first(std::min(bytes.size(), LiveBlob::most_beginning - offset)));
  }
  if (counts_ && live_->tail_size > GroupPut::small_bytes) {
    counts_ = false;
    store_->group->ended();
  }
  return {};
}

Result<void> ObjectStaged::start_put(const Lock&, const std::shared_ptr<Segment>& segment, const PayloadSums* sums) {
  Payload payload;
  payload.size = segment->extent.size;
  payload.read = [file = segment->file, at = segment->file_at](std::uint64_t from, std::span<char> out) {
    return file->read_at(at + from, out);
  };
  if (sums != nullptr)
    sums->give(payload);
  else if (auto summed = PayloadSums::read_and_give(store_->sum, payload); !summed)
    return summed;
  ++puts_->in_flight;
  store_->bucket->put(segment->extent.object, std::move(payload), store_->sum, on_put(segment));
  return {};
}

// On the loop's thread, perhaps after this is gone.
std::function<void(Result<void>)> ObjectStaged::on_put(const std::shared_ptr<Segment>& segment) {
  return [live = live_, puts = puts_, segment, store = store_](Result<void> put) {
    bool dropped = false;
    {
      const std::lock_guard lock(live->mutex);
      --puts->in_flight;
      segment->stored = put.has_value();
      if (put)
        segment->file.reset();
      else if (!puts->failure)
        puts->failure = store->as_trouble(std::move(put.error()));
      dropped = put && segment->dropped;
    }
    if (dropped) store->bucket->remove(segment->extent.object, [](const Result<void>&) {});
    live->changed.notify_all();
    store->wake(puts->topic);
  };
}

Result<void> ObjectStaged::seal(const Lock& lock) {
  LiveBlob& live = *live_;
  if (live.tail_size == 0) return {};
  sealed_ = system_clock().steady();
  const std::shared_ptr<SpoolFile> file = std::exchange(live.tail, nullptr);
  const std::uint64_t first = live.tail_first, size = std::exchange(live.tail_size, 0);
  live.tail_first += size;
  const WallTime until = store_->clock.wall() + alone_lasts;
  for (std::uint64_t at = 0; at < size;) {
    auto segment = std::make_shared<Segment>();
    const std::uint64_t piece = std::min(size - at, most_object);
    segment->extent = {first + at, piece, object_name(blob_, writer_, next_object_++), 0, until};
    segment->file = file;
    segment->file_at = at;
    live.segments.push_back(segment);
    mine_.push_back(segment);
    if (auto started = start_put(lock, segment, sums_ && piece == size ? &*sums_ : nullptr); !started) {
      puts_->failure = started.error();
      return started;
    }
    at += piece;
  }
  return {};
}

Result<void> ObjectStaged::start_write_back(std::uint64_t, std::uint64_t) {
  Lock lock(live_->mutex);
  if (live_->tail_size >= size_of_next(live_->segments.size()))
    if (auto sealed = seal(lock); !sealed) return sealed;
  live_->changed.wait(lock, [&] { return puts_->failure || puts_->in_flight < 2 * most_in_flight; });
  return failed(lock);
}

std::optional<Id> ObjectStaged::full() const {
  const std::lock_guard lock(live_->mutex);
  if (puts_->failure || puts_->in_flight < most_in_flight) return std::nullopt;
  return puts_->topic;
}

space::Extents ObjectStaged::give(const Lock&, bool all, std::uint64_t& end) {
  space::Extents extents;
  for (const auto& segment : mine_) {
    if (segment->given) continue;
    if (!segment->stored && !all) break;
    segment->given = true;
    given_ = segment->extent.first + segment->extent.size;
    extents.push_back(segment->extent);
  }
  end = given_;
  return extents;
}

// Few bytes share an object with those of others that come at the same moment.
Result<void> ObjectStaged::put_in_group(const Lock&) {
  LiveBlob& live = *live_;
  auto segment = std::make_shared<Segment>();
  segment->extent = {live.tail_first, live.tail_size, {}, 0, store_->clock.wall() + shared_lasts};
  segment->alone = false;
  segment->file = std::exchange(live.tail, nullptr);
  live.tail_first += std::exchange(live.tail_size, 0);
  live.segments.push_back(segment);
  mine_.push_back(segment);
  ++puts_->in_flight;
  GroupPut::Bytes bytes{segment->extent.size, [file = segment->file](std::uint64_t at, std::span<char> out) {
                          return file->read_at(at, out);
                        }};
  store_->group->put(object_name(blob_, writer_, next_object_++), std::move(bytes),
                     [live = live_, segment, done = on_put(segment)](Result<GroupPut::Placed> placed) {
                       if (!placed) return done(tl::unexpected(std::move(placed.error())));
                       {
                         const std::lock_guard lock(live->mutex);
                         segment->extent.object = placed->object;
                         segment->extent.at = placed->at;
                       }
                       done({});
                     });
  return {};
}

Result<void> ObjectStaged::begin(const Lock& lock) {
  if (auto sound = failed(lock); !sound) return sound;
  if (live_->tail_size == 0) return {};
  const bool few = live_->tail_size <= GroupPut::small_bytes && puts_->in_flight == 0;
  return few ? put_in_group(lock) : seal(lock);
}

std::optional<Id> ObjectStaged::begin_durable() {
  const Lock lock(live_->mutex);
  if (!begin(lock) || puts_->failure || puts_->in_flight == 0) return std::nullopt;
  return puts_->topic;
}

Result<space::Extents> ObjectStaged::make_durable() {
  Lock lock(live_->mutex);
  if (auto begun = begin(lock); !begun) return tl::unexpected(begun.error());
  live_->changed.wait(lock, [&] { return puts_->failure || puts_->in_flight == 0; });
  if (auto sound = failed(lock); !sound) return tl::unexpected(sound.error());
  std::uint64_t end = 0;
  return give(lock, true, end);
}

Result<ObjectStaged::Kept> ObjectStaged::keep_some(std::uint64_t) {
  Lock lock(live_->mutex);
  const bool waited = system_clock().steady() - sealed_ >= longest_unsealed;
  if (live_->tail_size >= worth_an_object || waited)
    if (puts_->in_flight < most_in_flight)
      if (auto sealed = seal(lock); !sealed) return tl::unexpected(sealed.error());
  if (auto sound = failed(lock); !sound) return tl::unexpected(sound.error());
  Kept kept{};
  kept.extents = give(lock, false, kept.end);
  return kept;
}

Result<void> ObjectStaged::truncate(std::uint64_t size) {
  Lock lock(live_->mutex);
  LiveBlob& live = *live_;
  if (size >= live.end()) return {};
  live.beginning.resize(std::min<std::uint64_t>(live.beginning.size(), size));
  sums_.reset();
  if (size > live.tail_first) {
    live.tail_size = size - live.tail_first;  // what is behind is written anew
    return {};
  }
  // Requests under way end by themselves; what they store is removed then.
  live.tail.reset();
  live.tail_size = 0;
  while (!live.segments.empty() && live.segments.back()->extent.first >= size) live.segments.pop_back();
  if (!live.segments.empty()) {
    space::Extent& last = live.segments.back()->extent;
    last.size = std::min(last.size, size - last.first);
  }
  live.tail_first = size;
  given_ = std::min(given_, size);
  const auto gone = [&](const auto& one) {
    if (one->extent.first < size) return false;
    drop(lock, *one);
    return true;
  };
  mine_.erase(std::remove_if(mine_.begin(), mine_.end(), gone), mine_.end());
  return {};
}

Result<std::uint64_t> ObjectStaged::size() const {
  const std::lock_guard lock(live_->mutex);
  return live_->end();
}

}  // namespace qrx::s3
