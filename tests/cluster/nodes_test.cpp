// Two nodes over one PostgreSQL, whatever their clients do in whatever order, and at once (tests/unit/space_nodes.h).
// QRX_POSTGRESQL is its address; each run makes a database of its own there. QRX_SEED and QRX_ROUNDS as in
// tests/unit/space_two_nodes_test.cpp.
#include "unit/catch.h"

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "cluster/pg_database.h"
#include "unit/space_nodes.h"

using namespace qrx;
using namespace qrx::test;

namespace {

unsigned number_of(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

void run(Nodes::Settings settings, unsigned rounds, unsigned steps) {
  const unsigned first = number_of("QRX_SEED", 1);
  rounds = std::getenv("QRX_SEED") != nullptr ? 1 : number_of("QRX_ROUNDS", rounds);
  for (unsigned round = 0; round < rounds; ++round) {
    const Database database;
    settings.open_catalog = [&] { return open_catalog(database); };
    settings.seed = first + round;
    try {
      Nodes nodes(settings);
      for (unsigned step = 0; step < steps; ++step) nodes.step();
      nodes.finish();
      CHECK(nodes.done("look") > 0);
    } catch (const std::exception& broken) {
      FAIL("QRX_SEED=" << settings.seed << ": " << broken.what());
    }
  }
}

class Heard final : public space::NodeEvents {
 public:
  void heard(const Id& topic) override {
    const std::lock_guard lock(mutex_);
    topics_.insert(topic);
    changed_.notify_all();
  }
  void missed() override {
    const std::lock_guard lock(mutex_);
    ++missed_;
    changed_.notify_all();
  }
  void cut_off() override {}
  void disagrees(const space::NodeCard& other) override {
    const std::lock_guard lock(mutex_);
    others_.push_back(other.name + ": " + other.policy);
    changed_.notify_all();
  }
  bool others(std::size_t count, std::chrono::seconds most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return others_.size() >= count; });
  }
  std::vector<std::string> others() {
    const std::lock_guard lock(mutex_);
    return others_;
  }
  bool wait_for(const Id& topic) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, Seconds(10), [&] { return topics_.contains(topic); });
  }
  bool wait_for_missed(unsigned times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, Seconds(20), [&] { return missed_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<Id> topics_;
  unsigned missed_ = 0;
  std::vector<std::string> others_;
};

}  // namespace

TEST_CASE("two nodes over PostgreSQL: what was acknowledged stays, whatever happens in between") {
  run({.anywhere = true, .limits = false}, 6, 400);
}

TEST_CASE("two nodes over PostgreSQL: no more is taken than a space allows") {
  run({.anywhere = true, .limits = true}, 6, 400);
}

// Works about one space, each of which reads what it changes: none may see what another is about to replace.
TEST_CASE("works about one space run one after another, those of other nodes too") {
  const Database database;
  std::array<std::unique_ptr<pg::PgCatalog>, 2> nodes{open_catalog(database), open_catalog(database)};
  space::SpaceRow row;
  row.guid = Guid::random();
  row.limits.max_size = 10'000;
  REQUIRE(nodes[0]->change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  }));
  const auto add_one = [&](space::Transaction& transaction) -> Result<void> {
    auto now = transaction.space(row.guid);
    if (!now) return fail(Kind::not_found, "it is gone");
    now->space.limits.max_files += 1;
    transaction.put_space(now->space);
    return {};
  };
  constexpr unsigned workers = 8, times = 25;
  std::atomic<unsigned> failed{0};
  std::mutex mutex;
  std::set<std::uint64_t> versions;
  std::vector<std::thread> threads;
  for (unsigned worker = 0; worker < workers; ++worker)
    threads.emplace_back([&, worker] {
      for (unsigned time = 0; time < times; ++time) {
        space::Catalog& node = *nodes[(worker + time) % nodes.size()];
        if (!node.change(space::Durability::lazy, add_one)) ++failed;
        std::uint64_t version = 0;
        if (!node.change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
              version = transaction.change_space(row.guid, one_byte()).head.seq;
              return {};
            }))
          ++failed;
        const std::lock_guard lock(mutex);
        versions.insert(version);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(versions.size() == workers * times);
  for (const auto& node : nodes) {
    const auto state = *node->space(row.guid);
    CHECK(state->space.limits.max_files == row.limits.max_files + workers * times);
    CHECK(state->space.use.bytes == workers * times);
  }
}

TEST_CASE("what one node tells the others hear, and a listener that was cut off says that it missed something") {
  const Database database;
  Heard heard;
  const auto speaker = open_catalog(database), listener = open_catalog(database);
  listener->join(heard);
  REQUIRE(heard.wait_for_missed(1));  // from now on it listens
  std::vector<Id> topics;
  for (unsigned number = 0; number < 1000; ++number) topics.push_back(Id::random());
  for (const Id& topic : topics) speaker->tell(topic, topic.bytes[0] % 2 == 0);
  for (const Id& topic : topics) CHECK(heard.wait_for(topic));
  CHECK(listener->health());

  auto connection = pg::Connection::open(database.dsn());
  REQUIRE(connection);
  REQUIRE((*connection)->execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query='LISTEN qrx1'"));
  CHECK(heard.wait_for_missed(2));
  const Id later = Id::random();
  speaker->tell(later, false);
  CHECK(heard.wait_for(later));
  listener->leave();
}

TEST_CASE("nodes that allow something else are told to each other once; those that say the same, or nothing, are not") {
  const Database database;
  Heard heard;
  const auto one = open_catalog(database), two = open_catalog(database), silent = open_catalog(database);
  one->join(heard);
  one->introduce({"one", "max-size 1\n"});
  two->introduce({"two \"quoted\"", "max-size 1\n"});
  std::this_thread::sleep_for(Seconds(5));  // two beats
  CHECK(heard.others().empty());
  two->introduce({"two", "max-size 2\n"});
  REQUIRE(heard.others(1, Seconds(15)));
  std::this_thread::sleep_for(Seconds(5));
  CHECK(heard.others() == std::vector<std::string>{"two: max-size 2\n"});
  one->introduce({"one", "max-size 3\n"});  // another difference
  CHECK(heard.others(2, Seconds(15)));
  Measures measures;
  one->measure(measures);
  const std::string text = text_of(measures);
  CHECK(text.find("\nqrx_nodes 3\n") != std::string::npos);
  CHECK(text.find("\nqrx_nodes_disagreeing 1\n") != std::string::npos);
  CHECK(text.find("\nqrx_listener_up 1\n") != std::string::npos);
  CHECK(text.find("name=\"one\"") != std::string::npos);
  one->leave();
}

TEST_CASE("what a node was at when it ended is nobody's: its limited downloads, its notices") {
  const Database database;
  auto gone = open_catalog(database);
  const auto stays = open_catalog(database);
  space::SpaceRow row;
  row.guid = Guid::random();
  space::ShareRow share;
  share.share = Id::random();
  share.guid = row.guid;
  const space::TransferLease lease{Id::random(), share.share, Id::random(), Id::random(), 0, 10, WallTime{}};
  space::NoticeRow notice;
  notice.share = share.share;
  notice.guid = row.guid;
  notice.claimed = true;
  REQUIRE(gone->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    transaction.put_share(share);
    transaction.put_lease(lease);
    transaction.put_notice(notice);
    return {};
  }));
  const auto leases = [&] {
    std::size_t count = 0;
    REQUIRE(stays->change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
      count = transaction.leases(share.share, lease.file, WallTime{}).size();
      return {};
    }));
    return count;
  };
  CHECK(leases() == 1);
  CHECK(stays->claimed_notices()->empty());
  gone.reset();
  CHECK(leases() == 0);
  CHECK(stays->claimed_notices()->size() == 1);
}
