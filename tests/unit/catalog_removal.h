// What a catalog promises of things that have any number of rows: they are gone at once, and their rows go in steps.
// Asked of each catalog by a test of its own.
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "space/catalog.h"
#include "unit/catch.h"

namespace qrx::test {

class CatalogRemoval {
 public:
  explicit CatalogRemoval(space::Catalog& catalog) : catalog_(catalog) {
    row_.guid = Id::random();
    row_.label = "label";
    row_.expires = WallTime(Millis(5'000'000'000'000));
    change([&](space::Transaction& transaction) { transaction.put_space(row_); });
  }

  void clear() {
    const Id delivery = put_delivery(true, many);
    const std::vector<Id> ids = ids_of(delivery);
    change([&](space::Transaction& transaction) { transaction.put_receipt({delivery, row_.guid, 1, {}, {}, {}}); });
    space::Removed removed =
        step([&](space::Transaction& transaction) { return transaction.clear_delivery(delivery); });
    CHECK(removed.use.weight.texts == 3 * space::rows_at_once + 5);  // names of three bytes, and the message
    while (!removed.all) {
      CHECK((*catalog_.space(row_.guid))->deliveries.empty());
      CHECK(catalog_.gone_deliveries()->size() == 1);
      CHECK_FALSE(catalog_.file(ids.back())->has_value());
      CHECK(catalog_.files(std::vector{ids.back()})->empty());
      check_past(delivery, ids);
      check_sums();
      removed = step([&](space::Transaction& transaction) {
        return transaction.remove_rest(space::GoneDelivery{delivery, row_.guid});
      });
    }
    CHECK(catalog_.gone_deliveries()->empty());
    check_past(delivery, ids);
    CHECK((*catalog_.space(row_.guid))->space.use == space::Use{});
    change([&](space::Transaction& transaction) { CHECK_FALSE(transaction.clear_delivery(delivery).there); });

    change([&](space::Transaction& transaction) {
      CHECK_FALSE(transaction.forget_receipts(WallTime(Millis(1))));
      CHECK_FALSE(transaction.receipt(delivery));
    });
    REQUIRE(catalog_.gone_deliveries()->size() == 1);
    finish(catalog_.gone_deliveries()->front());
    CHECK(catalog_.past_files(delivery)->empty());
  }

  void drop() {
    const Id committed = put_delivery(true, 1), open = put_delivery(false, many);
    space::UploadRow upload;
    upload.upload = upload.blob = Id::random();
    upload.guid = row_.guid;
    upload.delivery = open;
    upload.name = "u";
    upload.offset = 10;
    upload.epoch = 1;
    change([&](space::Transaction& transaction) {
      transaction.put_upload(upload);
      (void)transaction.change_space(row_.guid, {0, {}, {}, {10, weight_of(upload)}, true});
      CHECK_FALSE(transaction.remove_delivery(committed).there);
    });
    space::Removed removed = step([&](space::Transaction& transaction) { return transaction.remove_delivery(open); });
    CHECK(removed.there);
    CHECK_FALSE(removed.all);
    CHECK(catalog_.open_deliveries()->empty());
    std::vector<Id> uploads;
    while (!removed.all) {
      check_sums();
      removed = step([&](space::Transaction& transaction) {
        return transaction.remove_rest(space::GoneDelivery{open, row_.guid});
      });
      uploads.insert(uploads.end(), removed.uploads.begin(), removed.uploads.end());
    }
    CHECK(uploads == std::vector{upload.upload});
    CHECK(catalog_.gone_deliveries()->empty());
    CHECK((*catalog_.space(row_.guid))->files.size() == 1);
    check_sums();
  }

  void take_back() {
    const Id open = put_delivery(false, many, true);
    const space::DeliveryRow row{open, row_.guid, "", {}, {}};
    for (bool more = true; more;)
      step([&](space::Transaction& transaction) {
        more = transaction.take_back_pack(row);
        return space::Removed{};
      });
    const auto state = *catalog_.space(row_.guid);
    CHECK(state->files.empty());
    CHECK(state->deliveries.size() == 1);
    CHECK(state->space.use == space::Use{});
    CHECK(catalog_.trash({}, 10)->empty());
  }

  void remove_space() {
    const Id open = put_delivery(false, 0);
    put_delivery(true, many);
    space::Removed removed = step([&](space::Transaction& transaction) { return transaction.remove_space(row_.guid); });
    CHECK_FALSE(removed.all);
    CHECK(removed.deliveries.size() == 2);
    CHECK(std::count(removed.blobs.begin(), removed.blobs.end(), open) == 1);
    CHECK_FALSE(removed.all);
    while (!removed.all) {
      CHECK(*catalog_.space(row_.guid) == nullptr);
      CHECK_FALSE(catalog_.seq(row_.guid)->has_value());
      CHECK(*catalog_.expired(WallTime::min(), 10) == std::vector{row_.guid});
      CHECK(catalog_.summaries({}, 10)->empty());
      change([&](space::Transaction& transaction) {
        for (const auto phase : {space::Phase::open, space::Phase::blocked})
          CHECK(transaction.change_space(row_.guid, {0, {}, phase, {}, true}).taken == space::Taken::no_such_space);
        transaction.put_space(row_);  // does not bring it back
      });
      removed = step([&](space::Transaction& transaction) { return transaction.remove_rest(row_.guid); });
    }
    CHECK(catalog_.expired(WallTime::min(), 10)->empty());
    CHECK(catalog_.files_after({}, 1)->empty());
    change([&](space::Transaction& transaction) { CHECK(transaction.remove_rest(row_.guid).all); });
  }

  void keep_what_lives() {
    put_delivery(true, 3);
    change([&](space::Transaction& transaction) { CHECK(transaction.remove_rest(row_.guid).all); });
    CHECK((*catalog_.space(row_.guid))->files.size() == 3);
  }

 private:
  static constexpr std::size_t many = 2 * space::rows_at_once + 200;

  void change(const std::function<void(space::Transaction&)>& work) {
    const auto changed = catalog_.change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
      work(transaction);
      return {};
    });
    if (!changed) throw std::runtime_error(changed.error().what);
  }
  // One transaction, and no more rows than it may have.
  space::Removed step(const std::function<space::Removed(space::Transaction&)>& work) {
    const std::size_t before = catalog_.files_after({}, 100'000)->size();
    space::Removed removed;
    change([&](space::Transaction& transaction) { removed = work(transaction); });
    CHECK(before - catalog_.files_after({}, 100'000)->size() <= space::rows_at_once);
    return removed;
  }
  void finish(const space::GoneDelivery& gone) {
    while (!step([&](space::Transaction& transaction) { return transaction.remove_rest(gone); }).all) continue;
  }
  // As a commit does it, or an upload; in a pack they have a blob in common.
  Id put_delivery(bool committed, std::size_t count, bool in_pack = false) {
    space::DeliveryRow delivery{Id::random(), row_.guid, "words", {}, {}};
    if (committed) delivery.committed = WallTime(Millis(1));
    std::vector<space::FileRow> files(count);
    space::Use use;
    for (space::FileRow& file : files) {
      file.file = Id::random();
      file.blob = in_pack ? delivery.delivery : file.file;
      file.guid = row_.guid;
      file.delivery = delivery.delivery;
      file.name = "abc";
      file.size = 7;
      use += {file.size, space::weight_of(file.name)};
    }
    if (committed) use.weight += space::message_weight(delivery);
    change([&](space::Transaction& transaction) {
      transaction.put_delivery(delivery);
      transaction.put_files(files);
      (void)transaction.change_space(row_.guid, {0, {}, {}, use, true});
    });
    return delivery.delivery;
  }
  std::vector<Id> ids_of(const Id& delivery) {
    std::vector<Id> ids;
    const auto state = *catalog_.space(row_.guid);
    for (const space::FileRow& file : state->files)
      if (file.delivery == delivery) ids.push_back(file.file);
    return ids;
  }
  // What its sender may ask for is there all the time, as it arrived.
  void check_past(const Id& delivery, const std::vector<Id>& ids) {
    std::vector<Id> past;
    const auto rows = catalog_.past_files(delivery);
    for (const space::FileRow& file : *rows) past.push_back(file.file);
    CHECK(past == ids);
    CHECK(catalog_.past_file(ids.front())->has_value());
    CHECK(catalog_.past_file(ids.back())->has_value());
  }
  // What is counted is what there are rows of.
  void check_sums() {
    const auto state = *catalog_.space(row_.guid);
    space::Use use;
    for (const space::FileRow& file : state->files) use += {file.size, space::weight_of(file.name)};
    for (const space::UploadRow& upload : state->uploads) use += {upload.offset, space::weight_of(upload)};
    for (const space::DeliveryRow& row : state->deliveries)
      if (row.committed) use.weight += space::message_weight(row);
    CHECK(state->space.use == use);
  }

  space::Catalog& catalog_;
  space::SpaceRow row_;
};

// All of it, a section each.
inline void check_removal(space::Catalog& catalog) {
  CatalogRemoval removal(catalog);
  SECTION("a committed delivery") {
    removal.clear();
  }
  SECTION("an open delivery") {
    removal.drop();
  }
  SECTION("rows of a commit that did not come") {
    removal.take_back();
  }
  SECTION("a space") {
    removal.remove_space();
  }
  SECTION("not what lives") {
    removal.keep_what_lives();
  }
}

}  // namespace qrx::test
