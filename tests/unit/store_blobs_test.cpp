// The blobs on the disk: staged, moved into the store once, removed; and who may touch their files.
#include "unit/catch.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "store/lock.h"
#include "unit/store_world.h"

using namespace qrx;
using namespace qrx::test;

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
