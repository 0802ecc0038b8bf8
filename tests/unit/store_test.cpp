// The catalog, the blobs and the lock by themselves.
#include "unit/catch.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "space_world.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/sqlite.h"

using namespace qrx;
using namespace qrx::test;
using space::Durability;
using space::Transaction;

namespace {

space::SpaceRow space_row() {
  space::SpaceRow row;
  row.guid = Id::random();
  row.label = "label";
  row.expires = WallTime(Millis(5000));
  return row;
}

space::FileRow file_row(const Guid& guid) {
  space::FileRow row;
  row.file = row.blob = Id::random();
  row.guid = guid;
  row.delivery = Id::random();
  row.name = "name";
  row.size = 7;
  return row;
}

std::unique_ptr<store::SqliteCatalog> open_catalog(const TempDirectory& directory, store::SqliteOptions options = {}) {
  auto opened = store::SqliteCatalog::open(directory / "catalog.db", options);
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

std::unique_ptr<store::FileBlobs> open_blobs(const TempDirectory& directory) {
  auto opened = store::FileBlobs::open(directory.path().string(), {});
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

}  // namespace

TEST_CASE("rows come back as they were written") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  space::SpaceRow row = space_row();
  row.owner_hash[3] = 9;
  row.key = "age1x";
  row.seal = space::Seal::require;
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
  const auto totals = catalog->totals();
  CHECK(totals->spaces == 1);
  CHECK(totals->bytes == 12);
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

TEST_CASE("a blob that cannot be opened for want of descriptors may be asked for again") {
  TempDirectory directory;
  auto blobs = open_blobs(directory);
  const Id blob = Id::random();
  REQUIRE(blobs->create(blob));
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const struct rlimit none { 0, before.rlim_max };
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto opened = blobs->open(blob);
  const auto made = blobs->create(Id::random());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(kind_of(opened) == Kind::unavailable);
  CHECK(kind_of(made) == Kind::unavailable);
  CHECK(blobs->open(blob));
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

TEST_CASE("a catalog of a newer qrx is refused") {
  TempDirectory directory;
  { open_catalog(directory); }
  {
    std::fstream file(directory / "catalog.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);  // user_version in the header, big-endian
    file.write("\0\0\0\x63", 4);
  }
  const auto opened = store::SqliteCatalog::open(directory / "catalog.db", {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().what.find("newer") != std::string::npos);
}

TEST_CASE("files and directories are for their owner only") {
  const mode_t before = ::umask(0);
  TempDirectory directory;
  {
    auto lock = store::DataLock::take(directory / "a/data");
    REQUIRE(lock);
    auto catalog = store::SqliteCatalog::open(directory / "a/data/catalog.db", {});
    REQUIRE(catalog);
    auto blobs = store::FileBlobs::open(directory / "a/data", {});
    REQUIRE(blobs);
    const Id blob = Id::random();
    REQUIRE((*blobs)->create(blob));
    REQUIRE((*blobs)->publish({blob}));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / "a")) {
      INFO(entry.path());
      CHECK((entry.status().permissions() & std::filesystem::perms(0077)) == std::filesystem::perms::none);
    }
  }
  ::umask(before);
}

TEST_CASE("a data directory has one user at a time") {
  TempDirectory directory;
  {
    const auto lock = store::DataLock::take(directory.path().string());
    REQUIRE(lock);
    CHECK(kind_of(store::DataLock::take(directory.path().string())) == Kind::locked);
  }
  CHECK(store::DataLock::take(directory.path().string()));
}

TEST_CASE("blobs move into the store once and are never replaced") {
  TempDirectory directory;
  auto blobs = open_blobs(directory);
  const Id key = Id::random();
  auto staged = blobs->create(key);
  REQUIRE(staged);
  CHECK(kind_of(blobs->create(key)) == Kind::exists);
  REQUIRE((*staged)->write_at(3, as_bytes("def")));
  REQUIRE((*staged)->write_at(0, as_bytes("abc")));
  REQUIRE((*staged)->make_durable());
  CHECK((*staged)->size() == 6U);
  auto open_before = blobs->open(key);
  REQUIRE(blobs->publish({key}));
  CHECK(kind_of(blobs->reopen(key)) == Kind::not_found);
  auto again = blobs->create(key);
  REQUIRE(again);
  CHECK(kind_of(blobs->publish({key})) == Kind::exists);
  const auto opened = blobs->open(key);
  REQUIRE(opened);
  std::byte bytes[10];
  CHECK((*opened)->read_at(1, bytes) == 5U);
  CHECK(as_text({bytes, 5}) == "bcdef");
  CHECK((*open_before)->size() == 6);
  CHECK(blobs->list()->size() == 2);
  REQUIRE(blobs->remove(key));
  REQUIRE(blobs->remove(key));
  CHECK(blobs->list()->empty());
  CHECK(kind_of(blobs->open(key)) == Kind::not_found);
  CHECK((*opened)->read_at(0, bytes) == 6U);
  CHECK(blobs->free_bytes() > 0);
}

TEST_CASE("a blob whose length is known has the size of what was written, not of the room taken ahead") {
  TempDirectory directory;
  auto blobs = open_blobs(directory);
  const space::BlobKey blob = Id::random();
  auto staged = blobs->create(blob);
  REQUIRE(staged);
  const std::vector<std::byte> piece(100'000, std::byte{7});
  (*staged)->expect_length(40U << 20);
  std::uint64_t offset = 0;
  for (int i = 0; i < 200; ++i, offset += piece.size()) REQUIRE((*staged)->write_at(offset, piece));
  CHECK((*staged)->size() == offset);
  // Shortened, and written on from there: what was taken ahead went with the rest.
  REQUIRE((*staged)->truncate(5));
  CHECK((*staged)->size() == 5U);
  REQUIRE((*staged)->write_at(5, piece));
  std::vector<std::byte> got(piece.size() + 10);
  CHECK((*blobs->open(blob))->read_at(0, got) == piece.size() + 5);
  CHECK(std::equal(piece.begin(), piece.end(), got.begin() + 5));
}

TEST_CASE("a large blob that is removed is gone at once, and stays readable where it is open") {
  TempDirectory directory;
  auto blobs = open_blobs(directory);
  const space::BlobKey blob = Id::random();
  const std::vector<std::byte> bytes(9U << 20, std::byte{3});
  {
    auto staged = blobs->create(blob);
    REQUIRE(staged);
    REQUIRE((*staged)->write_at(0, bytes));
    REQUIRE((*staged)->make_durable());
    REQUIRE(blobs->publish({blob}));
  }
  auto opened = blobs->open(blob);
  REQUIRE(opened);
  REQUIRE(blobs->remove(blob));
  CHECK(blobs->open(blob).error().kind == Kind::not_found);
  CHECK(blobs->list()->empty());
  blobs.reset();
  std::vector<std::byte> end(4);
  CHECK((*opened)->read_at(bytes.size() - 4, end) == 4U);
  CHECK(end[3] == std::byte{3});
}

TEST_CASE("planted links and special files are not followed") {
  TempDirectory directory;
  TempDirectory elsewhere;
  auto blobs = open_blobs(directory);
  std::ofstream(elsewhere / "victim") << "untouched";
  const Id key = Id::random();
  std::filesystem::create_symlink(elsewhere / "victim", directory / ("staging/" + key.text()));
  CHECK_FALSE(blobs->create(key));
  CHECK_FALSE(blobs->reopen(key));
  CHECK_FALSE(blobs->open(key));
  REQUIRE(blobs->remove(key));
  CHECK(std::filesystem::file_size(elsewhere / "victim") == 9);

  const Id piped = Id::random();
  REQUIRE(::mkfifo((directory / ("staging/" + piped.text())).c_str(), 0600) == 0);
  CHECK_FALSE(blobs->open(piped));
  CHECK_FALSE(blobs->reopen(piped));

  const Id shelved = Id::random();
  REQUIRE(blobs->create(shelved));
  const std::string shelf = to_hex(ByteView(as_bytes(shelved.bytes)).first(1));
  std::filesystem::create_directory_symlink(elsewhere.path(), directory / ("blobs/" + shelf));
  CHECK_FALSE(blobs->publish({shelved}));
  CHECK(std::distance(std::filesystem::directory_iterator(elsewhere.path()), {}) == 1);

  TempDirectory other;
  std::filesystem::create_directory_symlink(elsewhere.path(), other / "blobs");
  CHECK_FALSE(store::FileBlobs::open(other.path().string(), {}));
}

TEST_CASE("a catalog of an older qrx is brought up to date: what its spaces hold is counted") {
  TempDirectory directory;
  const std::string path = directory / "catalog.db";
  const Guid guid = Id::random(), empty = Id::random();
  std::ofstream(path).flush();
  {
    auto old = store::Connection::open(path, store::Connection::Access::write);
    REQUIRE(old);
    for (int step = 0; step < 3; ++step) REQUIRE((*old)->execute(store::schema_steps[step]) == SQLITE_OK);
    REQUIRE((*old)->execute("PRAGMA user_version=3") == SQLITE_OK);
    const auto put = [&](const std::string& sql) { CHECK((*old)->execute(sql.c_str()) == SQLITE_OK); };
    const auto hex = [](const Id& id) { return "x'" + to_hex(id.bytes) + "'"; };
    const auto any = [&] { return hex(Id::random()); };
    for (const Guid& one : {guid, empty})
      put("INSERT INTO spaces VALUES(" + hex(one) + "," + any() + ",'l','',0,100,10,1,2,0,77)");
    const std::string whole = any(), text = any(), open = any();
    put("INSERT INTO deliveries(delivery,guid,message,created,committed) VALUES(" + whole + "," + hex(guid) +
        ",'',1,2),(" + text + "," + hex(guid) + ",'words',1,2),(" + open + "," + hex(guid) + ",'',1,NULL)");
    const auto file = [&](const std::string& delivery, const std::string& name, int size) {
      put("INSERT INTO files(file,delivery,guid,name,size,type,xxh128,sealed,blob,blob_offset) VALUES(" + any() + "," +
          delivery + "," + hex(guid) + ",'" + name + "'," + std::to_string(size) + ",''," + any() + ",0," + any() +
          ",0)");
    };
    file(whole, "a", 7);
    file(whole, std::string(wire::manifest_name), 3);
    file(open, "b", 5);
    const auto upload = [&](const std::string& name, int offset, int partial) {
      put("INSERT INTO "
          "uploads(upload,delivery,guid,name,metadata,offset,epoch,blob,lone,partial,damaged,created,expires"
          ") VALUES(" +
          any() + "," + open + "," + hex(guid) + ",'" + name + "',''," + std::to_string(offset) + ",1," + any() +
          ",0," + std::to_string(partial) + ",0,1,2)");
    };
    upload("c", 11, 0);
    upload("nothing yet", 0, 0);
    upload("part", 13, 1);
  }
  auto catalog = open_catalog(directory);
  const auto state = catalog->space(guid);
  REQUIRE(state);
  CHECK((*state)->space.seq == 77);
  CHECK((*state)->space.use == space::Use{7 + 3 + 5 + 11 + 13, {3, 2, 1}});
  CHECK((*state)->uploads.size() == 3);
  CHECK((*catalog->space(empty))->space.use == space::Use{});
  CHECK(catalog->totals()->bytes == 39);
}

TEST_CASE("files of an older qrx have no properties; those of this one keep theirs") {
  TempDirectory directory;
  const std::string path = directory / "catalog.db";
  const space::SpaceRow row = space_row();
  const Id before = Id::random();
  std::ofstream(path).flush();
  {
    auto old = store::Connection::open(path, store::Connection::Access::write);
    REQUIRE(old);
    for (int step = 0; step < 5; ++step) REQUIRE((*old)->execute(store::schema_steps[step]) == SQLITE_OK);
    REQUIRE((*old)->execute("PRAGMA user_version=5") == SQLITE_OK);
    const auto hex = [](const Id& id) { return "x'" + to_hex(id.bytes) + "'"; };
    const std::string put =
        "INSERT INTO files(file,delivery,guid,name,size,type,xxh128,sealed,blob,blob_offset) VALUES(" + hex(before) +
        "," + hex(before) + "," + hex(row.guid) + ",'a',7,''," + hex(before) + ",0," + hex(before) + ",3)";
    REQUIRE((*old)->execute(put.c_str()) == SQLITE_OK);
  }
  space::FileRow file = file_row(row.guid), bare = file_row(row.guid);
  file.properties = {WallTime(Seconds(1'000'000'000)), true};
  {
    auto catalog = open_catalog(directory);
    const auto known = catalog->file(before);
    REQUIRE((known && *known));
    CHECK((*known)->blob_offset == 3);
    CHECK((*known)->properties == wire::FileProperties{});
    REQUIRE(catalog->change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
      transaction.put_file(file);
      transaction.put_file(bare);
      return {};
    }));
  }
  auto catalog = open_catalog(directory);
  CHECK((*catalog->file(file.file))->properties == file.properties);
  CHECK((*catalog->file(bare.file))->properties == wire::FileProperties{});
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
