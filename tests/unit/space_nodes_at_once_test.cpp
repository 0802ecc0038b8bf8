// Two nodes over one store, with many clients at once: whatever was acknowledged is there, and what is counted is what
// there is.
#include "unit/catch.h"

#include <array>
#include <mutex>
#include <set>
#include <thread>

#include "unit/space_world.h"

using namespace qrx;
using namespace qrx::test;
using space::Spaces;

namespace {

constexpr unsigned clients = 4, rounds = 30;

std::string bytes_of(const std::string& name, std::size_t size) {
  std::string out;
  while (out.size() < size) out += name + '/';
  out.resize(size);
  return out;
}

struct Pair {
  Pair() {
    world.policy.shared = true;
    world.policy.relaxed = true;
    for (auto& node : nodes)
      node = std::make_unique<Spaces>(*world.catalog, *world.blobs, world.clock, world.events, world.policy);
    created = *nodes[0]->create({});
  }
  Spaces& node(unsigned number) { return *nodes[number % nodes.size()]; }
  const Guid& guid() const { return created.space.guid; }
  void delivered(const std::string& name) {
    const std::lock_guard lock(mutex);
    ++files[name];
  }

  // Begun at one node, gone on with at the other, ended at either.
  void hand_on(unsigned client, unsigned round) {
    const std::string name = "one" + std::to_string(client) + "-" + std::to_string(round);
    const std::string bytes = bytes_of(name, 20 + round);
    const auto upload = node(round).create_upload(guid(), new_upload(name, bytes.size()));
    if (!upload) return;
    for (unsigned attempt = 0; attempt < 20; ++attempt) {
      const auto row = node(client + attempt).upload(guid(), upload->upload);
      if (!row) break;
      if (row->offset == bytes.size()) return delivered(name);
      auto writer = node(client + attempt).write(guid(), upload->upload, row->offset, std::nullopt);
      if (!writer) continue;
      const std::size_t piece = attempt < 2 ? 7 : bytes.size() - row->offset;
      if (!(*writer)->write(as_bytes(std::string_view(bytes).substr(row->offset, piece)))) continue;
      const auto finished = (*writer)->finish();
      if (finished && finished->complete) return delivered(name);
    }
    ++lost;
  }
  void deliver(unsigned client, unsigned round) {
    const auto delivery = node(client).open_delivery(guid(), {});
    if (!delivery) return;
    std::vector<std::string> names;
    for (unsigned file = 0; file < 3; ++file) {
      const std::string name =
          "small" + std::to_string(client) + "-" + std::to_string(round) + "-" + std::to_string(file);
      if (node(file).put_small(guid(), delivery->delivery, name, as_bytes(bytes_of(name, 30)))) names.push_back(name);
    }
    if (node(round).commit(guid(), delivery->delivery, {.files = names.size()}))
      for (const std::string& name : names) delivered(name);
    else
      ++lost;
  }

  World world;
  std::array<std::unique_ptr<Spaces>, 2> nodes;
  space::Created created;
  std::mutex mutex;
  std::map<std::string, unsigned> files;  // by the mutex: what was acknowledged, how often
  std::atomic<unsigned> lost{0};
};

}  // namespace

// Run it by its name: what threads do in which order cannot be replayed, so it is not in the gate.
// space_two_nodes_test.cpp is, with one step after another.
TEST_CASE("two nodes at once: what is acknowledged is delivered once, and counted", "[.at-once]") {
  Pair pair;
  std::vector<std::thread> threads;
  for (unsigned client = 0; client < clients; ++client)
    threads.emplace_back([&pair, client] {
      for (unsigned round = 0; round < rounds; ++round) {
        pair.hand_on(client, round);
        pair.deliver(client, round);
      }
    });
  threads.emplace_back([&pair] {
    for (unsigned round = 0; round < rounds; ++round) (void)pair.node(round).sweep();
  });
  std::uint64_t fell = 0;
  threads.emplace_back([&pair, &fell] {
    std::uint64_t last = 0;
    for (unsigned round = 0; round < 20 * rounds; ++round) {
      const auto seq = pair.node(round).seq(pair.guid());
      fell += seq && *seq < last ? 1 : 0;
      if (seq) last = *seq;
    }
  });
  for (std::thread& thread : threads) thread.join();

  CHECK(fell == 0);
  CHECK(pair.lost == 0);
  for (const auto& node : pair.nodes) CHECK(node->sweep());
  const auto state = *pair.world.catalog->space(pair.guid());
  REQUIRE(state != nullptr);
  space::Use use;
  std::map<std::string, unsigned> there;
  for (const space::FileRow& file : state->files) {
    ++there[file.name];
    use.bytes += file.size;
    use.weight += space::weight_of(file.name);
  }
  CHECK(state->uploads.empty());
  CHECK(there == pair.files);
  CHECK(state->space.use == use);
  std::string told;
  const auto checked = pair.nodes[1]->check([&](const std::string& line) { told += line + "\n"; });
  REQUIRE(checked);
  INFO(told);
  CHECK(checked->missing + checked->corrupt + checked->orphans == 0);
  CHECK(pair.world.files_in("quarantine") == 0);
}
