// The catalog by itself.
#include "unit/catch.h"

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "store/sqlite.h"
#include "unit/store_world.h"

using namespace qrx;
using namespace qrx::test;
using space::Durability;
using space::Transaction;

TEST_CASE("rows come back as they were written") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  space::SpaceRow row = space_row();
  row.owner_hash[3] = 9;
  row.key = "age1x";
  row.seal = space::Seal::require;
  row.packs = true;
  row.limits = {1, 2};
  row.created = WallTime(Millis(-1));
  row.phase = space::Phase::closed;
  row.seq = 1ULL << 62;
  space::DeliveryRow delivery{Id::random(), row.guid, "message", WallTime(Millis(3)), WallTime(Millis(4))};
  space::FileRow file = file_row(row.guid);
  file.delivery = delivery.delivery;
  file.sha256.emplace();
  (*file.sha256)[31] = 1;
  file.sealed = true;
  file.blob_offset = 77;
  space::UploadRow upload;
  upload.upload = upload.blob = Id::random();
  upload.guid = row.guid;
  upload.name = "u";
  upload.metadata = "m";
  upload.offset = 5;
  upload.epoch = 6;
  upload.implicit = true;
  upload.damaged = true;
  upload.expires = WallTime(Millis(8));
  REQUIRE(catalog->change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    transaction.put_delivery(delivery);
    transaction.put_file(file);
    transaction.put_upload(upload);
    transaction.remember("note", "value");
    return {};
  }));
  catalog.reset();
  catalog = open_catalog(directory);
  const auto state = catalog->space(row.guid);
  REQUIRE(state);
  REQUIRE(*state != nullptr);
  const space::SpaceState& got = **state;
  CHECK(got.space.owner_hash == row.owner_hash);
  CHECK(got.space.label == row.label);
  CHECK(got.space.key == row.key);
  CHECK(got.space.seal == row.seal);
  CHECK(got.space.packs);
  CHECK(got.space.limits == row.limits);
  CHECK(got.space.created == row.created);
  CHECK(got.space.phase == row.phase);
  CHECK(got.space.seq == row.seq);
  REQUIRE(got.deliveries.size() == 1);
  CHECK(got.deliveries[0].committed == delivery.committed);
  REQUIRE(got.files.size() == 1);
  CHECK(got.files[0].sha256 == file.sha256);
  CHECK(got.files[0].sealed);
  CHECK(got.files[0].blob_offset == 77);
  REQUIRE(got.uploads.size() == 1);
  CHECK_FALSE(got.uploads[0].length);
  CHECK(got.uploads[0].implicit);
  CHECK_FALSE(got.uploads[0].partial);
  CHECK(got.uploads[0].damaged);
  CHECK(got.uploads[0].expires == upload.expires);
  CHECK(catalog->remembered("note")->value() == "value");
  CHECK_FALSE(catalog->remembered("other")->has_value());
  // What spaces were said to hold, names and messages included; not what the rows would come to.
  space::SpaceChange change;
  change.more = {1, {1, 0, 0, 7}};
  REQUIRE(catalog->change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
    CHECK(transaction.change_space(row.guid, change).taken == space::Taken::yes);
    return {};
  }));
  const auto totals = catalog->totals();
  CHECK(totals->spaces == 1);
  CHECK(totals->bytes == 1 + 7);
  CHECK(catalog->blobs()->size() == 2);
  CHECK(catalog->check());
  CHECK(*catalog->space(Id::random()) == nullptr);
}

TEST_CASE("a change that fails leaves nothing, also beside others in one transaction") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  std::vector<space::SpaceRow> rows(40, space_row());
  for (auto& row : rows) row.guid = Id::random();
  std::vector<std::thread> threads;
  std::atomic<unsigned> refused{0};
  for (unsigned i = 0; i < rows.size(); ++i)
    threads.emplace_back([&, i] {
      const auto changed = catalog->change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
        transaction.put_space(rows[i]);
        if (i % 4 == 0) return fail(Kind::denied, "no");
        return {};
      });
      if (!changed && changed.error().kind == Kind::denied) ++refused;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(refused == 10);
  for (unsigned i = 0; i < rows.size(); ++i) CHECK((*catalog->space(rows[i].guid) != nullptr) == (i % 4 != 0));
  CHECK(catalog->totals()->spaces == 30);
}

TEST_CASE("a change that throws fails alone, with its reason, and nobody waits for it") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  const auto throws = [](Transaction&) -> Result<void> { throw std::runtime_error("no memory for this"); };
  const auto writes = [](Transaction& transaction) -> Result<void> {
    transaction.put_space(space_row());
    return {};
  };
  std::atomic<int> failed{0}, done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto changed =
            i % 2 == 0 ? catalog->change(Durability::durable, throws) : catalog->change(Durability::durable, writes);
        if (changed) ++done;
        if (!changed && changed.error().what.find("no memory for this") != std::string::npos) ++failed;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 80);
  CHECK(done == 80);
  CHECK(catalog->totals()->spaces == 80);
}

TEST_CASE("what is set aside for a full disk is given up before the catalog opens, and taken again") {
  TempDirectory directory;
  open_catalog(directory);
  const std::string reserve = directory / "catalog.db.reserve";
  REQUIRE(std::filesystem::exists(reserve));
  std::filesystem::create_hard_link(reserve, directory / "old");
  open_catalog(directory);
  CHECK(std::filesystem::exists(reserve));
  CHECK_FALSE(std::filesystem::equivalent(reserve, directory / "old"));
}

TEST_CASE("a space that was read shows each later change") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  space::SpaceRow row = space_row();
  const auto put = [&](const std::function<void(Transaction&)>& work) {
    REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      work(transaction);
      return {};
    }));
  };
  put([&](Transaction& transaction) { transaction.put_space(row); });
  const auto before = *catalog->space(row.guid);
  CHECK(*catalog->space(row.guid) == before);  // nothing changed: the same object
  row.label = "new";
  put([&](Transaction& transaction) { transaction.put_space(row); });
  CHECK((*catalog->space(row.guid))->space.label == "new");
  CHECK(before->space.label == "label");  // immutable once handed out
  space::UploadRow upload;
  upload.upload = upload.blob = Id::random();
  upload.guid = row.guid;
  upload.epoch = 2;
  put([&](Transaction& transaction) { transaction.put_upload(upload); });
  put([&](Transaction& transaction) {
    space::UploadRow other = upload;
    other.epoch = 1;
    CHECK_FALSE(transaction.advance_upload(other, 50));
    other = upload;
    other.upload = Id::random();
    CHECK_FALSE(transaction.advance_upload(other, 50));
    CHECK(transaction.advance_upload(upload, 60));
    CHECK_FALSE(transaction.advance_upload(upload, 70));  // it stands elsewhere by now
    CHECK(transaction.space(row.guid)->uploads[0].offset == 60);
  });
  CHECK((*catalog->space(row.guid))->uploads[0].offset == 60);
  const space::DeliveryRow delivery{Id::random(), row.guid, "", {}, {}};
  put([&](Transaction& transaction) { transaction.put_delivery(delivery); });
  std::vector<space::FileRow> files(300, file_row(row.guid));
  for (auto& file : files) {
    file.file = Id::random();
    file.delivery = delivery.delivery;
  }
  put([&](Transaction& transaction) {
    for (const auto& file : files) transaction.put_file(file);
  });
  CHECK((*catalog->space(row.guid))->files.size() == 300);
  CHECK(catalog->open_deliveries()->size() == 1);
  put([&](Transaction& transaction) { transaction.remove_file(files[7].file); });
  CHECK((*catalog->space(row.guid))->files.size() == 299);
  CHECK_FALSE(catalog->file(files[7].file)->has_value());
  put([&](Transaction& transaction) { transaction.remove_delivery(delivery.delivery); });
  CHECK((*catalog->space(row.guid))->files.empty());
  CHECK((*catalog->space(row.guid))->uploads.size() == 1);
  put([&](Transaction& transaction) { transaction.remove_upload(upload.upload); });
  CHECK((*catalog->space(row.guid))->uploads.empty());
  put([&](Transaction& transaction) { transaction.remove_space(row.guid); });
  CHECK(*catalog->space(row.guid) == nullptr);
}

TEST_CASE("many files are found by their ids in any order, those that are there") {
  TempDirectory directory;
  auto catalog = open_catalog(directory, {.relaxed = true});
  const space::SpaceRow row = space_row(), other = space_row();
  std::vector<space::FileRow> files;
  // Deliveries of two spaces, whose rows lie between each other.
  const Id deliveries[] = {Id::random(), Id::random(), Id::random()};
  for (std::size_t i = 0; i < 30; ++i) {
    files.push_back(file_row(i % 3 == 2 ? other.guid : row.guid));
    files.back().delivery = deliveries[i % 3];
    files.back().name = "name" + std::to_string(i);
    files.back().blob_offset = i;
  }
  REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    transaction.put_space(other);
    for (std::size_t i = 0; i < std::size(deliveries); ++i)
      transaction.put_delivery({deliveries[i], i == 2 ? other.guid : row.guid, "", {}, WallTime(Millis(4))});
    for (const auto& file : files) transaction.put_file(file);
    transaction.remove_file(files[9].file);
    return {};
  }));
  const auto check = [&](const std::vector<std::size_t>& wanted) {
    std::vector<Id> ids;
    for (const auto index : wanted) ids.push_back(index < files.size() ? files[index].file : Id::random());
    const auto found = catalog->files(ids);
    REQUIRE(found);
    auto next = found->begin();
    for (const auto index : wanted) {
      if (index >= files.size() || index == 9) continue;
      REQUIRE(next != found->end());
      CHECK(next->file == files[index].file);
      CHECK(next->guid == files[index].guid);
      CHECK(next->delivery == files[index].delivery);
      CHECK(next->name == files[index].name);
      CHECK(next->blob_offset == index);
      ++next;
    }
    CHECK(next == found->end());
  };
  check({});
  check({0, 3, 6, 9, 12, 15, 18, 21, 24, 27});  // in the order of the list, one of them gone
  check({3, 6, 15, 18, 27});                    // with gaps
  check({27, 24, 3, 0});
  check({0, 1, 2, 3, 4, 5});  // each of another delivery than the one before
  check({100, 0, 3, 100, 6, 12, 100});
  check({29, 28});
}

TEST_CASE("readers and writers at once always see whole changes") {
  TempDirectory directory;
  auto catalog = open_catalog(directory, {.relaxed = true, .most_cached_rows = 30});  // so that spaces come and go
  std::vector<space::SpaceRow> rows(8, space_row());
  for (auto& row : rows) {
    row.guid = Id::random();
    row.seq = 0;
    REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      transaction.put_space(row);
      return {};
    }));
  }
  std::atomic<bool> done{false};
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      std::vector<std::uint64_t> last(rows.size(), 0);
      while (!done)
        for (std::size_t at = 0; at < rows.size(); ++at) {
          const auto state = catalog->space(rows[at].guid);
          if (!state || *state == nullptr || (*state)->files.size() != (*state)->space.seq ||
              (*state)->space.seq < last[at])
            ++wrong;
          else
            last[at] = (*state)->space.seq;
        }
    });
  for (int i = 1; i <= 20; ++i)
    for (auto& row : rows) {
      row.seq = static_cast<std::uint64_t>(i);
      REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
        transaction.put_file(file_row(row.guid));
        transaction.put_space(row);
        return {};
      }));
      if ((*catalog->space(row.guid))->space.seq != row.seq) ++wrong;  // one's own change is seen at once
    }
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
}

TEST_CASE("expired and dying spaces are listed, files one after another") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  space::SpaceRow early = space_row();
  space::SpaceRow late = space_row();
  late.expires = WallTime(Millis(9000));
  space::SpaceRow dying = late;
  dying.guid = Id::random();
  dying.phase = space::Phase::dying;
  REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    for (const auto& row : {early, late, dying}) transaction.put_space(row);
    for (int i = 0; i < 25; ++i) transaction.put_file(file_row(late.guid));
    return {};
  }));
  CHECK(catalog->expired(WallTime(Millis(4999)), 10)->size() == 1);
  CHECK(catalog->expired(WallTime(Millis(5000)), 10)->size() == 2);
  CHECK(catalog->expired(WallTime(Millis(5000)), 1)->size() == 1);
  std::size_t seen = 0;
  Id last{};
  for (auto files = catalog->files_after(last, 10); !files->empty(); files = catalog->files_after(last, 10)) {
    CHECK(files->front().file > last);
    last = files->back().file;
    seen += files->size();
  }
  CHECK(seen == 25);
}

TEST_CASE("a space takes what fits, and counts no more what is removed") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  space::SpaceRow row = space_row();
  row.limits = {100, 2};
  const auto change = [&](const space::SpaceChange& wish) {
    space::SpaceChanged changed;
    REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      changed = transaction.change_space(row.guid, wish);
      return {};
    }));
    return changed;
  };
  space::SpaceChange wish;
  CHECK(change(wish).taken == space::Taken::no_such_space);
  space::FileRow file = file_row(row.guid);
  REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    transaction.put_file(file);
    return {};
  }));
  wish.at_least = 50;
  wish.more = {60, {1, 0, 0}};
  CHECK(change(wish).head.seq == 50);
  CHECK(change(wish).taken == space::Taken::bytes);
  wish.more = {40, {2, 0, 0}};
  CHECK(change(wish).taken == space::Taken::files);
  wish.more = {0, {0, 0, 67}};
  CHECK(change(wish).taken == space::Taken::parts);
  wish.more = {40, {1, 2, 66}};
  wish.phase = space::Phase::closed;
  const auto full = change(wish);
  CHECK(full.taken == space::Taken::yes);
  CHECK(full.head.seq == 51);  // it grows in any case
  CHECK(full.head.phase == space::Phase::closed);
  CHECK(full.head.expires == row.expires);
  CHECK(full.head.use == space::Use{100, {2, 2, 66}});
  CHECK((*catalog->space(row.guid))->space.use == full.head.use);
  wish.even_if_full = true;
  wish.more = {1, {}};
  CHECK(change(wish).head.use.bytes == 101);
  REQUIRE(catalog->change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remove_file(file.file);
    return {};
  }));
  CHECK((*catalog->space(row.guid))->space.use == space::Use{101 - file.size, {1, 2, 66}});
}
