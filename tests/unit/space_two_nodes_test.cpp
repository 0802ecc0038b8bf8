// Two nodes over one store, whatever their clients do in whatever order. QRX_SEED=7 replays what a failure printed,
// QRX_ROUNDS=1000 runs long.
#include "unit/catch.h"

#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "unit/space_nodes.h"
#include "unit/space_wrapped.h"

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
  std::map<std::string, unsigned> done;
  for (unsigned round = 0; round < rounds; ++round) {
    settings.seed = first + round;
    try {
      Nodes nodes(settings);
      for (unsigned step = 0; step < steps; ++step) nodes.step();
      nodes.finish();
      for (const char* what : {"end a request", "commit", "download", "look", "clear a delivery"})
        done[what] += nodes.done(what);
    } catch (const std::exception& broken) {
      FAIL("QRX_SEED=" << settings.seed << ": " << broken.what());
    }
  }
  if (rounds > 1)
    for (const auto& [what, times] : done) {
      INFO(what);
      CHECK(times > 0);  // it was tried at all
    }
}

// Before change number `at`, once, something else happens.
class InterruptedCatalog final : public CountedCatalog {
 public:
  InterruptedCatalog(space::Catalog& inner, int at, std::function<void()> meanwhile)
      : CountedCatalog(inner), left_(at), meanwhile_(std::move(meanwhile)) {}
  Result<void> change(space::Durability durability,
                      const std::function<Result<void>(space::Transaction&)>& work) override {
    if (left_-- == 0) meanwhile_();
    return CountedCatalog::change(durability, work);
  }

 private:
  int left_;
  const std::function<void()> meanwhile_;
};

}  // namespace

TEST_CASE("two nodes: what was acknowledged stays, whatever happens in between") {
  run({.anywhere = true, .limits = false}, 20, 400);
}

TEST_CASE("two nodes: no more is taken than a space allows") {
  run({.anywhere = true, .limits = true}, 20, 400);
}

// Memory that is compared with nothing, as it is kept where one node is alone: each space has a node of its own here.
TEST_CASE("two nodes with spaces of their own do not disturb each other") {
  run({.anywhere = false, .limits = false}, 10, 400);
  run({.anywhere = false, .limits = true}, 10, 400);
}

TEST_CASE("two nodes: an upload whose node died before it had made the blob is gone on with at the other") {
  World world({.shared = true});
  space::Spaces other(*world.catalog, *world.blobs, world.clock, world.events, world.policy);
  const auto created = world.create();
  const auto upload = world.spaces->create_upload(created.space.guid, new_upload("file", 5));
  REQUIRE(upload);
  // The row comes first: this is what a kill between both leaves.
  REQUIRE(world.blobs->remove(upload->blob));
  auto writer = other.write(created.space.guid, upload->upload, 0, std::nullopt);
  REQUIRE(writer);
  REQUIRE((*writer)->write(as_bytes("bytes")));
  const auto finished = (*writer)->finish();
  REQUIRE((finished && finished->file));
  CHECK(world.read(created, finished->file->file) == "bytes");
}

TEST_CASE(
    "two nodes: a file whose row could not be written is made of the bytes of its writer, not of the node before") {
  World world({.shared = true});
  FailingCatalog catalog(*world.catalog);
  space::Spaces other(catalog, *world.blobs, world.clock, world.events, world.policy);
  const auto created = world.create();
  const auto upload = world.spaces->create_upload(created.space.guid, new_upload("file", 5));
  REQUIRE(upload);
  {
    // The node that made it has not let go: this one writes into a blob of its own, which is stored before its row.
    auto writer = other.write(created.space.guid, upload->upload, 0, std::nullopt);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("bytes")));
    catalog.fails = true;
    CHECK(kind_of((*writer)->finish()) == Kind::no_room);
    catalog.fails = false;
  }
  // Its sender comes again, as after any failure.
  auto again = other.write(created.space.guid, upload->upload, 0, std::nullopt);
  REQUIRE(again);
  REQUIRE((*again)->write(as_bytes("bytes")));
  REQUIRE((*again)->finish());
  CHECK(world.read(created, upload->upload) == "bytes");
}

TEST_CASE(
    "two nodes: who sends a small file is told to come again when its upload was taken over, not that it is wrong") {
  int come_again = 0;
  for (int at = 0; at < 6; ++at) {
    World world({.shared = true});
    const auto created = world.create();
    const Guid guid = created.space.guid;
    Result<std::unique_ptr<space::UploadWriter>> taken = fail(Kind::other, "nothing to take over");
    InterruptedCatalog catalog(*world.catalog, at, [&] {
      const auto uploads = world.catalog->uploads();
      for (const space::UploadRow& row : *uploads) taken = world.spaces->write(guid, row.upload, 0, std::nullopt);
    });
    space::Spaces other(catalog, *world.blobs, world.clock, world.events, world.policy);
    const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
    const auto put = other.put_small(guid, delivery, "small", as_bytes("bytes"));
    INFO(at);
    if (put) continue;
    CHECK(kind_of(put) == Kind::unavailable);
    ++come_again;
    taken = fail(Kind::other, "its sender is gone");
    REQUIRE(other.put_small(guid, delivery, "small", as_bytes("bytes")));
    REQUIRE(other.commit(guid, delivery, {1}));
  }
  CHECK(come_again > 0);
}
