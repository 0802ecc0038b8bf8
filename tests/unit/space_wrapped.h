// The store of a World behind doors that count what the rules ask of it, and fail it once when a test says so.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unit/space_world.h"

namespace qrx::test {

// What shall fail the next so many times, and what was asked for.
struct BlobFaults {
  std::atomic<int> syncs_to_fail{0}, truncates_to_fail{0}, publishes_to_fail{0};
  std::atomic<bool> publish_moves{false};  // one that fails has moved the blobs all the same
  std::atomic<unsigned> syncs{0}, opens{0};
  std::atomic<int> at_work{-1};  // 0: the next write_at stands still, as on a slow disk; 1: it does; 2: it goes on

  static bool strikes(std::atomic<int>& left) { return left > 0 && left-- > 0; }
};

class FaultyStaged final : public space::Staged {
 public:
  FaultyStaged(std::unique_ptr<space::Staged> inner, BlobFaults& faults) : inner_(std::move(inner)), faults_(faults) {}
  void expect_length(std::uint64_t length) override { inner_->expect_length(length); }
  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    int idle = 0;
    if (faults_.at_work.compare_exchange_strong(idle, 1)) {
      faults_.at_work.notify_all();
      faults_.at_work.wait(1);
    }
    return inner_->write_at(offset, bytes);
  }
  Result<void> start_write_back(std::uint64_t offset, std::uint64_t size) override {
    return inner_->start_write_back(offset, size);
  }
  Result<space::Extents> make_durable() override {
    return sync([this] { return inner_->make_durable(); });
  }
  Result<space::Extents> make_bytes_durable() override {
    return sync([this] { return inner_->make_bytes_durable(); });
  }
  Result<void> truncate(std::uint64_t size) override {
    if (BlobFaults::strikes(faults_.truncates_to_fail)) return fail(Kind::other, "the disk failed");
    return inner_->truncate(size);
  }
  Result<std::uint64_t> size() const override { return inner_->size(); }

 private:
  template <class Do>
  Result<space::Extents> sync(Do&& really) {
    ++faults_.syncs;
    if (BlobFaults::strikes(faults_.syncs_to_fail)) return fail(Kind::other, "the disk failed");
    return really();
  }
  std::unique_ptr<space::Staged> inner_;
  BlobFaults& faults_;
};

class FaultyBlobs final : public space::Blobs, public BlobFaults {
 public:
  explicit FaultyBlobs(space::Blobs& inner) : inner_(inner) {}
  Result<std::unique_ptr<space::Staged>> create(const Id& blob) override { return wrap(inner_.create(blob)); }
  Result<std::unique_ptr<space::Staged>> reopen(const Id& blob) override { return wrap(inner_.reopen(blob)); }
  Result<void> publish(const std::vector<Id>& blobs) override {
    if (!strikes(publishes_to_fail)) return inner_.publish(blobs);
    if (publish_moves)
      if (auto moved = inner_.publish(blobs); !moved) return moved;
    return fail(Kind::other, "the disk failed");
  }
  Result<std::unique_ptr<space::Opened>> open(const Id& blob) override {
    ++opens;
    return inner_.open(blob);
  }
  Result<void> remove(const Id& blob) override { return inner_.remove(blob); }
  Result<void> quarantine(const Id& blob) override { return inner_.quarantine(blob); }
  Result<std::vector<space::BlobUse>> list() override { return inner_.list(); }
  std::uint64_t free_bytes() const override { return inner_.free_bytes(); }

 private:
  Result<std::unique_ptr<space::Staged>> wrap(Result<std::unique_ptr<space::Staged>> staged) {
    if (!staged) return staged;
    return std::make_unique<FaultyStaged>(std::move(*staged), *this);
  }
  space::Blobs& inner_;
};

class CountedCatalog : public space::Catalog {
 public:
  explicit CountedCatalog(space::Catalog& inner) : inner_(inner) {}
  std::atomic<unsigned> spaces{0}, others{0};  // calls of space(), and of everything else

  Result<std::shared_ptr<const space::SpaceState>> space(const Guid& guid) override {
    ++spaces;
    return inner_.space(guid);
  }
  Result<std::optional<std::uint64_t>> seq(const Guid& guid) override { return ++others, inner_.seq(guid); }
  Result<void> change(space::Durability durability,
                      const std::function<Result<void>(space::Transaction&)>& work) override {
    return ++others, inner_.change(durability, work);
  }
  Result<space::CommittedPage> committed(const Guid& guid, const space::PageStart& from,
                                         const space::PageSize& most) override {
    return ++others, inner_.committed(guid, from, most);
  }
  Result<std::uint64_t> committed_files(const Guid& guid) override { return ++others, inner_.committed_files(guid); }
  Result<std::vector<space::SpaceSummary>> summaries(const Guid& after, std::size_t most) override {
    return ++others, inner_.summaries(after, most);
  }
  Result<Totals> totals() override { return ++others, inner_.totals(); }
  Result<std::optional<space::FileRow>> file(const Id& file) override { return ++others, inner_.file(file); }
  Result<std::vector<space::DeliveryRow>> open_deliveries() override { return ++others, inner_.open_deliveries(); }
  Result<std::optional<std::string>> remembered(const std::string& name) override {
    return ++others, inner_.remembered(name);
  }
  Result<std::vector<Guid>> expired(WallTime now, std::size_t most) override {
    return ++others, inner_.expired(now, most);
  }
  Result<std::vector<space::GoneDelivery>> gone_deliveries() override { return ++others, inner_.gone_deliveries(); }
  Result<std::vector<space::UploadRow>> uploads() override { return ++others, inner_.uploads(); }
  Result<std::vector<Id>> blobs() override { return ++others, inner_.blobs(); }
  Result<std::vector<Id>> trash(const Id& after, std::size_t most) override {
    return ++others, inner_.trash(after, most);
  }
  Result<space::Extents> extents(const Id& blob) override { return ++others, inner_.extents(blob); }
  Result<bool> shares_object(const std::string& object, const Id& blob) override {
    return ++others, inner_.shares_object(object, blob);
  }
  Result<std::vector<space::FileRow>> files_after(const Id& last, std::size_t most) override {
    return ++others, inner_.files_after(last, most);
  }
  Result<void> check() override { return ++others, inner_.check(); }
  Result<std::optional<space::ReceiptRow>> receipt(const Id& delivery) override {
    return ++others, inner_.receipt(delivery);
  }
  Result<std::vector<space::FileReceiptRow>> file_receipts(const Id& delivery) override {
    return ++others, inner_.file_receipts(delivery);
  }
  Result<std::optional<space::FileRow>> past_file(const Id& file) override { return ++others, inner_.past_file(file); }
  Result<std::vector<space::FileRow>> past_files(const Id& delivery) override {
    return ++others, inner_.past_files(delivery);
  }
  Result<space::SharePage> shares(const Guid& guid, std::uint64_t next, const space::SharePageSize& most) override {
    return ++others, inner_.shares(guid, next, most);
  }
  Result<std::optional<space::ShareRow>> share(const Id& share) override { return ++others, inner_.share(share); }
  Result<std::optional<space::ShareRow>> share_of_link(const Sha256Sum& hash) override {
    return ++others, inner_.share_of_link(hash);
  }
  Result<std::optional<space::ShareFileRow>> share_file(const Id& share, const Id& file) override {
    return ++others, inner_.share_file(share, file);
  }
  Result<std::vector<space::ShareFileRow>> share_files(const Id& share) override {
    return ++others, inner_.share_files(share);
  }
  Result<std::uint64_t> least_taken(const Id& share) override { return ++others, inner_.least_taken(share); }
  Result<std::optional<space::NoticeRow>> next_notice(const std::string& busy) override {
    return ++others, inner_.next_notice(busy);
  }
  Result<std::vector<space::NoticeRow>> claimed_notices() override { return ++others, inner_.claimed_notices(); }
  Result<std::vector<Id>> claims_before(WallTime noticed) override { return ++others, inner_.claims_before(noticed); }
  Result<void> purge() override { return ++others, inner_.purge(); }

 private:
  space::Catalog& inner_;
};

// Changes fail while a test says so.
class FailingCatalog final : public CountedCatalog {
 public:
  using CountedCatalog::CountedCatalog;
  std::atomic<bool> fails{false};
  Result<void> change(space::Durability durability,
                      const std::function<Result<void>(space::Transaction&)>& work) override {
    return fails ? fail(Kind::no_room, "the disk is full") : CountedCatalog::change(durability, work);
  }
};

// Sees how many rows of files come or go with each change, and ends as a process does that is killed: from some change
// on none comes through.
class SteppedCatalog final : public CountedCatalog {
 public:
  explicit SteppedCatalog(space::Catalog& inner) : CountedCatalog(inner), inner_(inner), rows_(count()) {}
  std::uint64_t most_at_once = 0, changes = 0;
  std::optional<std::uint64_t> killed_after;  // so many changes that did something to files
  Result<void> change(space::Durability durability,
                      const std::function<Result<void>(space::Transaction&)>& work) override {
    if (killed_after && changes >= *killed_after) return fail(Kind::unavailable, "it was killed");
    auto changed = CountedCatalog::change(durability, work);
    const std::uint64_t now = count();
    const std::uint64_t more = now > rows_ ? now - rows_ : rows_ - now;
    changes += more > 0 ? 1 : 0;
    most_at_once = std::max(most_at_once, more);
    rows_ = now;
    return changed;
  }

 private:
  std::uint64_t count() { return inner_.files_after(Id{}, 1'000'000)->size(); }
  space::Catalog& inner_;
  std::uint64_t rows_;
};

}  // namespace qrx::test
