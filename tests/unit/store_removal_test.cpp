// What is gone goes in steps: the catalog in SQLite.
#include <atomic>
#include <thread>
#include <vector>

#include "unit/catalog_removal.h"
#include "unit/store_world.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("in SQLite what has many rows is gone at once, and its rows go some at a time") {
  TempDirectory directory;
  const auto catalog = open_catalog(directory, {.relaxed = true});
  check_removal(*catalog);
}

TEST_CASE("changes that come together share a transaction only while it has few rows") {
  TempDirectory directory;
  const auto catalog = open_catalog(directory, {.relaxed = true});
  const Guid guid = Id::random();
  std::atomic<bool> begun{false}, goes_on{false};
  std::thread first([&] {
    CHECK(catalog->change(space::Durability::lazy, [&](space::Transaction&) -> Result<void> {
      begun = true;
      begun.notify_all();
      goes_on.wait(false);
      return {};
    }));
  });
  begun.wait(false);
  // They wait for it in a queue. Each sees by a reader what is committed when its turn comes.
  constexpr std::size_t several = 5;
  std::vector<std::size_t> committed;
  std::vector<std::thread> others;
  for (std::size_t i = 0; i < several; ++i)
    others.emplace_back([&] {
      const std::vector<space::FileRow> rows = [&] {
        std::vector<space::FileRow> made;
        for (std::size_t row = 0; row < space::rows_at_once; ++row) made.push_back(file_row(guid));
        return made;
      }();
      CHECK(catalog->change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
        committed.push_back(catalog->files_after({}, 100'000)->size());
        transaction.put_files(rows);
        return {};
      }));
    });
  std::this_thread::sleep_for(Millis(200));  // those that come late have a transaction of their own in any case
  goes_on = true;
  goes_on.notify_all();
  first.join();
  for (std::thread& thread : others) thread.join();
  REQUIRE(committed.size() == several);
  for (std::size_t i = 0; i < several; ++i) CHECK(committed[i] == i * space::rows_at_once);
}
