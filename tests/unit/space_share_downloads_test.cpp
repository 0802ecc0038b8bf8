// What recipients take by their links: how it is counted, limited and shown.
#include "unit/catch.h"

#include <thread>

#include "space/download_counting.h"
#include "unit/space_sharing.h"
#include "wire/limits.h"

using namespace qrx;
using namespace qrx::test;
using wire::ShareState;

TEST_CASE("a file is a list of files only if a receiver would read it as one") {
  space::FileRow row;
  row.name = wire::manifest_name;
  row.sealed = true;
  row.size = wire::most_manifest_bytes;
  CHECK(space::is_list(row));
  row.size += 1;  // no receiver reads it, so that it counts as often as any file
  CHECK_FALSE(space::is_list(row));
  row.size = 100;
  row.sealed = false;
  CHECK_FALSE(space::is_list(row));
  row.sealed = true;
  row.name = "other.age";
  CHECK_FALSE(space::is_list(row));
}

TEST_CASE("the owner sees how far a download is, and who waits is told when it begins") {
  Sharing s;
  const auto a = s.file("a", 1'000'000), b = s.file("b", 3'000'000);
  const auto share = s.one(to({"a@example.org", "b@example.org"}, 2));
  const auto fetching = [&] { return s.now(share).fetching; };
  using wire::Fetching;
  CHECK_FALSE(fetching());
  REQUIRE(s.shares->opened(share.token));
  s.world.clock.pass(Seconds(1));
  const auto before = s.world.view(s.created).seq;
  auto first = s.shares->begin(share.token, a, 0, a.size);
  REQUIRE(first);
  CHECK(s.world.view(s.created).seq > before);
  CHECK(fetching() == Fetching{0, 4'000'000});
  (*first)->handed(600'000);
  CHECK(fetching() == Fetching{600'000, 4'000'000});
  CHECK(s.shares->list(s.guid(), s.token())->shares.at(0).fetching == Fetching{600'000, 4'000'000});
  CHECK_FALSE(s.shares->list(s.guid(), s.token())->shares.at(1).fetching);
  first->reset();  // it was cut
  CHECK_FALSE(fetching());
  // Gone on with, then the next file: what is there already counts.
  auto rest = s.shares->begin(share.token, a, 600'000, 400'000);
  REQUIRE(rest);
  CHECK(fetching() == Fetching{600'000, 4'000'000});
  (*rest)->handed(400'000);
  (*rest)->handed_all();
  (*rest)->completed();
  CHECK(fetching() == Fetching{1'000'000, 4'000'000});
  auto last = s.shares->begin(share.token, b, 0, b.size);
  REQUIRE(last);
  (*last)->handed(1'000'000);
  CHECK(fetching() == Fetching{2'000'000, 4'000'000});
  auto other = s.shares->begin(share.token, b, 0, b.size);  // two at once are no more than everything
  REQUIRE(other);
  (*other)->handed(2'900'000);
  CHECK(fetching() == Fetching{4'000'000, 4'000'000});
  other->reset();
  (*last)->completed();
  CHECK_FALSE(fetching());  // that was everything, once
  CHECK(s.now(share).downloads == 1);
  // All in one.
  const auto opened = s.shares->open(share.token);
  auto archive = s.shares->begin_all(share.token, *opened, opened->files);
  REQUIRE(archive);
  (*archive)->sent(4'000'100);  // with what an archive has beside the files
  CHECK(fetching() == Fetching{4'000'000, 4'000'000});
  REQUIRE(s.shares->revoke(s.guid(), s.token(), share.share));
  CHECK_FALSE(fetching());
}

TEST_CASE("the list of a sealed delivery is read again by a download that goes on, but not when all was taken") {
  Sharing s;
  const auto sealed = [&](std::string_view name, std::size_t size) {
    std::string bytes = "age-encryption.org/v1\n";
    bytes.resize(size, 'x');
    auto row = s.world.send(s.guid(), std::string(name), bytes);
    REQUIRE(row);
    REQUIRE(row->sealed);
    return *row;
  };
  const auto list = sealed(wire::manifest_name, 100);
  const auto a = sealed("a.age", 1000);
  const auto share = s.one(to({"a@example.org"}, 1));
  const auto take = [&](const auto& row, std::uint64_t first, std::uint64_t bytes) {
    auto transfer = s.shares->begin(share.token, row, first, bytes);
    if (!transfer) return transfer.error().kind;
    (*transfer)->handed(bytes);
    (*transfer)->handed_all();
    (*transfer)->completed();
    return Kind::other;
  };
  for (int run = 0; run < 5; ++run) CHECK(take(list, 0, list.size) == Kind::other);
  CHECK(s.shares->look(share.token, {}, {})->downloads_left == 1);
  CHECK(take(a, 0, 600) == Kind::other);
  CHECK(take(list, 0, list.size) == Kind::other);
  const auto opened = s.shares->open(share.token);
  REQUIRE(opened);
  CHECK(s.shares->left(share.token, *opened)->size() == 2);
  CHECK(take(a, 600, 400) == Kind::other);
  CHECK(take(list, 0, list.size) == Kind::gone);
  CHECK(take(a, 0, a.size) == Kind::gone);
  CHECK(s.now(share).downloads == 1);
}

TEST_CASE("of a download that is over at once only its end is told") {
  Sharing s;
  const auto row = s.file("a", 1000);
  const auto share = s.one(to({"a@example.org"}));
  REQUIRE(s.shares->opened(share.token));
  s.world.clock.pass(Seconds(1));
  const auto before = s.world.view(s.created).seq;
  auto transfer = s.shares->begin(share.token, row, 0, row.size);
  REQUIRE(transfer);
  CHECK(s.world.view(s.created).seq == before);
  (*transfer)->completed();
  CHECK(s.world.view(s.created).seq > before);
}

TEST_CASE("a link for one is taken once, and one that was aborted burns nothing") {
  Sharing s;
  const auto row = s.file("a", 1000);
  const auto share = s.one(to({"a@example.org"}, 1));
  {
    auto transfer = s.shares->begin(share.token, row, 0, 1000);
    REQUIRE(transfer);
    CHECK(kind_of(s.shares->begin(share.token, row, 0, 1000)) == Kind::locked);
    (*transfer)->handed(1000);
  }
  CHECK(s.now(share).state == ShareState::opened);
  CHECK(s.now(share).downloads == 0);
  CHECK(s.take(share, row));
  CHECK(s.now(share).state == ShareState::downloaded);
  CHECK(s.now(share).downloads == 1);
  CHECK(kind_of(s.take(share, row)) == Kind::gone);
  CHECK(kind_of(s.take(share, row, 5, 1)) == Kind::gone);
  CHECK(kind_of(s.shares->open(share.token)) == Kind::gone);
  s.restart();
  CHECK(kind_of(s.take(share, row)) == Kind::gone);
  CHECK(s.now(share).state == ShareState::downloaded);
}

TEST_CASE("all but the end of a link for one is not given again and again, and its end still is") {
  Sharing s;
  const auto row = s.file("a", 1000);
  const auto share = s.one(to({"link:a"}, 1));
  std::uint64_t given = 0;
  for (int i = 0; i < 50; ++i)
    if (s.take(share, row, 0, 999)) given += 999;
  CHECK(given == 2 * 999);
  CHECK(kind_of(s.shares->begin(share.token, row, 0, 1000)) == Kind::gone);
  CHECK(kind_of(s.shares->begin(share.token, row, 500, 500)) == Kind::gone);
  CHECK(s.now(share).downloads == 0);
  CHECK(s.take(share, row, 999, 1));  // what is missing
  CHECK(s.now(share).downloads == 1);
}

TEST_CASE("many at once on a link for one: exactly one gets through") {
  Sharing s;
  const auto row = s.file("a", 1000);
  const auto share = s.one(to({"a@example.org"}, 1));
  std::atomic<unsigned> through{0};
  std::atomic<unsigned> refused{0};
  std::atomic<unsigned> other{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i)
    threads.emplace_back([&] {
      const auto taken = s.take(share, row);
      if (taken)
        ++through;
      else if (taken.error().kind == Kind::locked || taken.error().kind == Kind::gone)
        ++refused;
      else
        ++other;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(through == 1);
  CHECK(refused == 39);
  CHECK(other == 0);
  CHECK(s.now(share).downloads == 1);
}

TEST_CASE("ranges count once they are the whole, in any order, over a restart") {
  Sharing s;
  const auto row = s.file("a", 100);
  const auto share = s.one(to({"a@example.org"}, 1));
  CHECK(s.take(share, row, 60, 40));
  CHECK(s.take(share, row, 0, 30));
  CHECK(s.now(share).downloads == 0);
  s.restart();
  CHECK(s.take(share, row, 0, 30));
  CHECK(s.now(share).state == ShareState::opened);
  {
    auto last = s.shares->begin(share.token, row, 30, 30);
    REQUIRE(last);
    CHECK(kind_of(s.shares->begin(share.token, row, 0, 100)) == Kind::locked);
    CHECK(s.shares->begin(share.token, row, 0, 60));  // would not be the whole once more
    (*last)->completed();
  }
  CHECK(s.now(share).downloads == 1);
  CHECK(kind_of(s.take(share, row, 30, 30)) == Kind::gone);
}

TEST_CASE("a transfer that was cut off goes on where it stopped and counts at its end") {
  Sharing s;
  const auto row = s.file("a", 100);
  const auto share = s.one(to({"a@example.org"}, 1));
  {
    auto transfer = s.shares->begin(share.token, row, 0, 100);
    REQUIRE(transfer);
    (*transfer)->handed(70);
  }
  CHECK(s.take(share, row, 64, 36));  // the client had fewer bytes than were handed to its socket
  CHECK(s.now(share).downloads == 1);
}

TEST_CASE("of a transfer that was cut off what never went out is given again, as often as it takes") {
  Sharing s;
  const auto row = s.file("a", 1000);
  const auto share = s.one(to({"a@example.org"}, 1));
  for (std::uint64_t at = 0; at < 900; at += 100) {
    auto transfer = s.shares->begin(share.token, row, at, 1000 - at);
    REQUIRE(transfer);
    (*transfer)->handed(1000 - at);
    (*transfer)->handed_all();
    (*transfer)->broken_off(900 - at);
  }
  CHECK(s.now(share).downloads == 0);
  CHECK(s.take(share, row, 900, 100));
  CHECK(s.now(share).downloads == 1);
  CHECK(kind_of(s.take(share, row)) == Kind::gone);
}

TEST_CASE("what is on its way to somebody who has vanished is waited for, not held against who goes on") {
  Sharing s;
  const auto row = s.file("a", 1000);
  const auto share = s.one(to({"a@example.org"}, 1));
  auto first = s.shares->begin(share.token, row, 0, 999);
  auto second = s.shares->begin(share.token, row, 100, 899);
  REQUIRE(first);
  REQUIRE(second);
  for (auto* transfer : {&*first, &*second}) (*transfer)->handed(899);
  CHECK(kind_of(s.shares->begin(share.token, row, 200, 799)) == Kind::locked);
  (*first)->broken_off(799);
  first->reset();
  CHECK(s.take(share, row, 200, 799));
  (*second)->broken_off(799);
  second->reset();
  CHECK(s.take(share, row, 999, 1));
  CHECK(s.now(share).downloads == 1);
}

TEST_CASE("what goes out is noted before, for the case that the server is killed") {
  constexpr std::uint64_t size = 2U << 20;
  Sharing s;
  const auto row = s.file("a", size);
  const auto share = s.one(to({"a@example.org"}, 1));
  const auto noted = [&] {
    const auto file = s.world.catalog->share_file(share.share, row.file);
    REQUIRE(file);
    return *file ? (*file)->parts : std::string();
  };
  {
    auto transfer = s.shares->begin(share.token, row, 0, size);
    REQUIRE(transfer);
    (*transfer)->handed(1000);
    CHECK(noted() == "0:1 2097151:0 ");  // all but the last byte: nothing counts by itself
    (*transfer)->handed(5000);
  }
  CHECK(noted() == "0:1 5000:0 ");
  CHECK(s.take(share, row, 4000, size - 4000));
  CHECK(s.now(share).downloads == 1);
  CHECK(noted() == "0:1 4000:2 5000:1 ");
  {
    const auto other = s.one(to({"b@example.org"}));
    auto transfer = s.shares->begin(other.token, row, 0, size);
    (*transfer)->handed(1000);
    (*transfer)->handed(size);
    (*transfer)->completed();
    CHECK((*s.world.catalog->share_file(other.share, row.file))->parts == "0:1 ");
    CHECK(s.now(other).downloads == 1);
  }
}

TEST_CASE("everything is downloaded when each file was taken") {
  Sharing s;
  const auto a = s.file("a", 10);
  const auto b = s.file("b", 0);
  const auto share = s.one(to({"a@example.org"}));
  CHECK(s.take(share, a));
  CHECK(s.take(share, a));
  CHECK(s.now(share).state == ShareState::opened);
  CHECK(s.take(share, b));
  CHECK(s.now(share).state == ShareState::downloaded);
  CHECK(s.now(share).downloads == 1);
  const auto seq = s.world.view(s.created).seq;
  CHECK(s.take(share, b));
  CHECK(s.now(share).downloads == 2);
  CHECK(s.world.view(s.created).seq > seq);
  const auto c = s.file("c", 5);
  CHECK(s.now(share).state == ShareState::downloaded);  // it was
  CHECK(s.now(share).downloads == 0);                   // and there is more now
  CHECK(s.take(share, c));
  CHECK(s.now(share).downloads == 1);
}

TEST_CASE("everything at once counts one of each file, and only when it is through") {
  Sharing s;
  const auto a = s.file("a", 10);
  s.file("b", 10);
  const auto share = s.one(to({"a@example.org"}, 1));
  const auto opened = s.shares->open(share.token);
  REQUIRE(opened);
  {
    auto all = s.shares->begin_all(share.token, *opened, opened->files);
    REQUIRE(all);
    CHECK(kind_of(s.shares->begin_all(share.token, *opened, opened->files)) == Kind::locked);
    CHECK(kind_of(s.shares->begin(share.token, a, 0, 10)) == Kind::locked);
  }
  CHECK(s.now(share).downloads == 0);
  CHECK(s.take(share, a));
  const auto left = s.shares->left(share.token, *opened);
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(opened->space->files[left->at(0)].name == "b");
  auto all = s.shares->begin_all(share.token, *opened, *left);
  REQUIRE(all);
  (*all)->completed();
  CHECK(s.now(share).state == ShareState::downloaded);
  CHECK(kind_of(s.shares->left(share.token, *opened)) == Kind::gone);
}
