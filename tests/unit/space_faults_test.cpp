// When the disk fails, or somebody else has the upload: what is in doubt is never acknowledged afterwards.
#include "unit/catch.h"

#include <thread>

#include "unit/space_wrapped.h"

using namespace qrx;
using namespace qrx::test;

namespace {

// A space whose blobs fail when they are told to, and an upload of 10 bytes into it.
struct Frail {
  explicit Frail(Millis patience = Millis(50)) : created(world.create()), blobs(*world.blobs) {
    world.policy.lock_wait = patience;
    serving = std::make_unique<space::Spaces>(*world.catalog, blobs, world.clock, world.events, world.policy);
    const auto begun = serving->create_upload(guid(), new_upload("a", 10));
    REQUIRE(begun);
    upload = begun->upload;
  }
  const Guid& guid() const { return created.space.guid; }
  std::unique_ptr<space::UploadWriter> writer(std::uint64_t offset, std::optional<space::ChunkChecksum> expected = {}) {
    auto writer = serving->write(guid(), upload, offset, std::move(expected));
    REQUIRE(writer);
    return std::move(*writer);
  }
  Result<space::UploadWriter::Finished> send(std::uint64_t offset, std::string_view bytes) {
    auto one = writer(offset);
    REQUIRE(one->write(as_bytes(bytes)));
    return one->finish();
  }
  std::size_t delivered() { return serving->view(guid(), created.token.text())->deliveries.size(); }
  // Whatever is asked of it: the sender must begin again.
  void check_gone(space::Spaces& asked) {
    CHECK(kind_of(asked.upload(guid(), upload)) == Kind::gone);
    for (const std::uint64_t offset : {0U, 4U, 10U})
      CHECK(kind_of(asked.write(guid(), upload, offset, {})) == Kind::gone);
    CHECK(kind_of(asked.set_length(guid(), upload, 10)) == Kind::gone);
    const auto info = asked.view(guid(), created.token.text());
    REQUIRE(info);
    CHECK(info->deliveries.empty());
    CHECK(info->uploads.empty());
  }
  void check_gone() {
    const unsigned before = blobs.syncs;
    check_gone(*serving);
    CHECK(blobs.syncs == before);  // a second sync would succeed and prove nothing
    space::Spaces restarted(*world.catalog, *world.blobs, world.clock, world.events, world.policy);
    REQUIRE(restarted.recover());
    check_gone(restarted);
    CHECK(restarted.remove_upload(guid(), upload));
    CHECK(world.files_in("staging") + world.files_in("blobs") + world.files_in("quarantine") == 0);
  }

  World world;
  space::Created created;
  FaultyBlobs blobs;
  std::unique_ptr<space::Spaces> serving;
  Id upload;
};

void raise_epoch(Frail& frail) {
  auto row = *frail.serving->upload(frail.guid(), frail.upload);
  ++row.epoch;
  REQUIRE(frail.world.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_upload(row);
    return {};
  }));
}

}  // namespace

TEST_CASE("a failed sync is final: the upload that met it is gone, though the next would succeed") {
  Frail frail;
  SECTION("in the middle") {
    frail.blobs.syncs_to_fail = 1;
    CHECK(kind_of(frail.send(0, "0123")) == Kind::other);
  }
  SECTION("at the end") {
    REQUIRE(frail.send(0, "0123"));
    frail.blobs.syncs_to_fail = 1;
    CHECK(kind_of(frail.send(4, "456789")) == Kind::other);
  }
  SECTION("of a request that was cut") {
    frail.blobs.syncs_to_fail = 1;
    REQUIRE(frail.writer(0)->write(as_bytes("0123")));
  }
  SECTION("of a request that was cut after its last byte") {
    frail.blobs.syncs_to_fail = 1;
    REQUIRE(frail.writer(0)->write(as_bytes("0123456789")));
  }
  SECTION("on the way, to lose little: neither this writer nor the next goes on") {
    auto writer = frail.writer(0);
    REQUIRE(writer->write(as_bytes("01")));
    frail.world.clock.pass(Seconds(3));
    frail.blobs.syncs_to_fail = 1;
    CHECK(kind_of(writer->write(as_bytes("23"))) == Kind::other);
    CHECK_FALSE(writer->write(as_bytes("456789")));
    CHECK(kind_of(writer->finish()) == Kind::gone);
  }
  CHECK(frail.blobs.syncs_to_fail == 0);  // it was met
  frail.check_gone();
}

TEST_CASE("a chunk that cannot be taken back spoils its upload") {
  Frail frail;
  REQUIRE(frail.send(0, "0123"));
  frail.blobs.truncates_to_fail = 1;
  auto sum = NamedSum::start("md5");
  sum->update(as_bytes("456789"));
  {
    auto writer = frail.writer(4, space::ChunkChecksum{"md5", sum->sum()});
    REQUIRE(writer->write(as_bytes("45678X")));
    CHECK(kind_of(writer->finish()) == Kind::integrity);
  }
  CHECK(frail.blobs.truncates_to_fail == 0);
  frail.check_gone();
}

TEST_CASE("a file that could not be moved into the store is moved when it is asked for again") {
  Frail frail;
  frail.blobs.publishes_to_fail = 1;
  CHECK(kind_of(frail.send(0, "0123456789")) == Kind::other);
  CHECK(frail.delivered() == 0);
  const auto row = frail.serving->upload(frail.guid(), frail.upload);
  REQUIRE(row);
  const auto finished = frail.send(row->offset, std::string_view("0123456789").substr(row->offset));
  REQUIRE(finished);
  CHECK(finished->complete);
  CHECK(frail.world.read(frail.created, frail.upload) == "0123456789");
}

TEST_CASE("a file that was moved into the store, nobody knows how durably, is gone") {
  Frail frail;
  frail.blobs.publishes_to_fail = 1;
  frail.blobs.publish_moves = true;
  CHECK(kind_of(frail.send(0, "0123456789")) == Kind::other);
  CHECK(frail.world.files_in("blobs") == 1);
  frail.check_gone();
}

TEST_CASE("small files whose sync failed are not committed by asking again") {
  Frail frail;
  const auto delivery = frail.serving->open_delivery(frail.guid(), {});
  REQUIRE(frail.serving->put_small(frail.guid(), delivery->delivery, "s", as_bytes("first")));
  frail.blobs.syncs_to_fail = 1;
  CHECK(kind_of(frail.serving->commit(frail.guid(), delivery->delivery, {.files = 1})) == Kind::other);
  CHECK(kind_of(frail.serving->commit(frail.guid(), delivery->delivery, {.files = 1})) == Kind::conflict);
  CHECK(frail.serving->delivery(frail.guid(), delivery->delivery)->files.empty());
  CHECK(frail.delivered() == 0);
  const auto again = frail.serving->put_small(frail.guid(), delivery->delivery, "s", as_bytes("again"));
  REQUIRE(again);
  REQUIRE(frail.serving->commit(frail.guid(), delivery->delivery, {.files = 1}));
  CHECK(frail.world.read(frail.created, again->file) == "again");
}

TEST_CASE("a newcomer waits as long as it has patience, then leaves a holder at work alone") {
  Frail frail(Millis(300));  // more than one look at the holder
  frail.blobs.at_work = 0;
  auto holder = frail.writer(0);
  Result<void> written = fail(Kind::other, "not yet");
  std::thread working([&] { written = holder->write(as_bytes("0123")); });
  frail.blobs.at_work.wait(0);
  const auto before = std::chrono::steady_clock::now();
  CHECK(kind_of(frail.serving->write(frail.guid(), frail.upload, 0, {})) == Kind::locked);
  CHECK(std::chrono::steady_clock::now() - before >= frail.world.policy.lock_wait);
  frail.blobs.at_work = 2;
  frail.blobs.at_work.notify_all();
  working.join();
  CHECK(written);  // what it was at is not lost
  holder.reset();
  const auto finished = frail.send(4, "456789");
  REQUIRE(finished);
  CHECK(finished->complete);
  CHECK(frail.world.read(frail.created, frail.upload) == "0123456789");
}

TEST_CASE("the owner who deletes a space does not wait until parts are put together") {
  Frail frail;
  auto wish = new_upload("", 4);
  wish.partial = true;
  const auto part = frail.serving->create_upload(frail.guid(), wish);
  {
    auto writer = frail.serving->write(frail.guid(), part->upload, 0, {});
    REQUIRE((*writer)->write(as_bytes("0123")));
    REQUIRE((*writer)->finish());
  }
  frail.blobs.at_work = 0;
  Result<space::UploadRow> whole = fail(Kind::other, "not yet");
  std::thread working(
      [&] { whole = frail.serving->concatenate(frail.guid(), new_upload("whole", {}), {part->upload}); });
  frail.blobs.at_work.wait(0);
  CHECK(frail.serving->remove(frail.guid(), frail.created.token.text()));  // while the disk stands still
  frail.blobs.at_work = 2;
  frail.blobs.at_work.notify_all();
  working.join();
  CHECK(kind_of(whole) == Kind::gone);
  CHECK(frail.world.files_in("staging") + frail.world.files_in("blobs") == 0);
  CHECK(frail.world.catalog->totals()->bytes == 0);
}

TEST_CASE("a wrong checksum costs no reading of what is there") {
  Frail frail;
  REQUIRE(frail.send(0, "0123"));
  const unsigned opens = frail.blobs.opens;
  for (int i = 0; i < 3; ++i) {
    auto writer = frail.serving->write(frail.guid(), frail.upload, 4, space::ChunkChecksum{"md5", {1}});
    REQUIRE((*writer)->write(as_bytes("x")));
    CHECK(kind_of((*writer)->finish()) == Kind::integrity);
  }
  CHECK(frail.blobs.opens == opens);
  REQUIRE(frail.send(4, "456789"));
  const auto view = frail.serving->view(frail.guid(), frail.created.token.text());
  Xxh128 sum;
  sum.update(as_bytes("0123456789"));
  CHECK(view->deliveries[0].files[0].xxh128 == sum.sum());
}

TEST_CASE("an upload that somebody else goes on with is not recorded by its former writer") {
  Frail frail;
  auto writer = frail.writer(0);
  SECTION("in the middle") {
    REQUIRE(writer->write(as_bytes("0123")));
  }
  SECTION("at the end") {
    REQUIRE(writer->write(as_bytes("0123456789")));
  }
  raise_epoch(frail);
  CHECK(kind_of(writer->finish()) == Kind::conflict);
  CHECK(kind_of(writer->finish()) == Kind::conflict);
  writer.reset();
  CHECK(frail.delivered() == 0);
  const auto rows = frail.world.catalog->uploads();
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().offset == 0);
  CHECK(rows->front().epoch == 2);
}
