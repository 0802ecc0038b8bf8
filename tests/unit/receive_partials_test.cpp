// Partials: kept when a run ends, found by the next one, given up, completed, recognised once they have their names.
#include <filesystem>
#include <set>

#include "receive/local_names.h"
#include "receive/saver.h"
#include "temp_directory.h"
#include "unit/catch.h"
#include "unit/receive_saving.h"

using namespace qrx;
using namespace qrx::receive;
using namespace qrx::test;
namespace fs = std::filesystem;

TEST_CASE("a file that was given up leaves its name to the next one of its delivery, and no partial") {
  TempDirectory temp;
  const auto saver = std::move(*Saver::open(temp.text(), OnConflict::rename));
  const Id delivery = Id::random();
  auto first = saver->begin("a.bin", Id::random(), delivery);
  REQUIRE(first);
  first->discard();
  auto second = saver->begin("a.bin", Id::random(), delivery);
  REQUIRE(second);
  CHECK(second->name() == "a.bin");
  saver->discard_parts();
  CHECK(fs::is_empty(temp.text()));
}

TEST_CASE("what killed runs left in the directory is removed, but not a partial that is being written") {
  TempDirectory temp;
  const auto saver = std::move(*Saver::open(temp.text(), OnConflict::rename));
  saver->set_passing();
  const Id delivery = Id::random();
  auto running = saver->begin("running.bin", Id::random(), delivery);
  REQUIRE(running);
  { REQUIRE(saver->begin("dead.bin", Id::random(), delivery)); }
  const auto later = std::move(*Saver::open(temp.text(), OnConflict::rename));
  later->remove_stale();
  CHECK(all_files(temp.text()).size() == 1);
}

TEST_CASE("a partial is kept, found again, and can be dropped") {
  TempDirectory temp;
  const Id file = Id::random(), delivery = Id::random();
  auto saver = open_saver(temp.text());
  {
    auto partial = saver->begin("dir/a.bin", file, delivery);
    REQUIRE(partial);
    REQUIRE(partial->write(as_bytes(std::string_view("0123456789"))));
    auto second = saver->begin("dir/a.bin", file, delivery);
    REQUIRE(!second);
    CHECK(second.error().kind == Kind::locked);
  }
  CHECK(all_files(temp.text()) == std::set<std::string>{"dir/" + partial_name("a.bin", file)});
  auto next_run = open_saver(temp.text());
  CHECK(next_run->held("dir/a.bin", file) == 10U);
  CHECK_FALSE(next_run->held("dir/a.bin", Id::random()));
  auto partial = next_run->begin("dir/a.bin", file, delivery);
  REQUIRE(partial);
  CHECK(partial->size() == 10);
  REQUIRE(partial->truncate(4));
  REQUIRE(partial->write(as_bytes(std::string_view("xy"))));
  std::byte space[16];
  CHECK(partial->read_at(2, space) == 4U);
  CHECK(partial->publish() == temp.text() + "/dir/a.bin");
  REQUIRE(next_run->sync_names(delivery));
  CHECK(content(temp.text() + "/dir/a.bin") == "0123xy");
  auto dropped = next_run->begin("b", Id::random(), delivery);
  REQUIRE(dropped);
  dropped->discard();
  CHECK(all_files(temp.text()) == std::set<std::string>{"dir/a.bin"});
}

TEST_CASE("what was begun under another name is given up, when it is there and nobody writes it") {
  TempDirectory temp;
  const Id file = Id::random(), delivery = Id::random();
  auto saver = open_saver(temp.text());
  CHECK(saver->discard_partial("as-sent", file, delivery));
  {
    auto partial = saver->begin("as-sent", file, delivery);
    REQUIRE(partial);
    REQUIRE(partial->write(as_bytes(std::string_view("0123456789"))));
    const auto kept = saver->discard_partial("as-sent", file, delivery);
    REQUIRE_FALSE(kept);
    CHECK(kept.error().kind == Kind::locked);
  }
  CHECK(all_files(temp.text()).size() == 1);
  CHECK(saver->discard_partial("as-sent", Id::random(), delivery));
  CHECK(all_files(temp.text()).size() == 1);
  CHECK(saver->discard_partial("as-sent", file, delivery));
  CHECK(all_files(temp.text()).empty());
}

TEST_CASE("a file saved by an earlier run is recognised by its bytes") {
  TempDirectory temp;
  auto saver = open_saver(temp.text());
  put(temp.text() + "/a.txt", "other");
  REQUIRE(save(*saver, "a.txt", "hello") == temp.text() + "/a (1).txt");
  Xxh128 sum;
  sum.update(as_bytes(std::string_view("hello")));
  CHECK(saver->find_saved("a.txt", 5, sum.sum()) == temp.text() + "/a (1).txt");
  CHECK(!saver->find_saved("b.txt", 5, sum.sum()));
  sum.update(as_bytes(std::string_view("!")));
  CHECK(!saver->find_saved("a.txt", 5, sum.sum()));
}
