// Who may write into an upload: one at a time, and newcomers take it over.
#include "unit/catch.h"

#include <thread>

#include "unit/space_uploading.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("a newcomer takes an upload over from a holder that stops") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  world.policy.lock_wait = Millis(10'000);
  world.restart();
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  auto holder = must_write(world, guid, upload.upload, 0);
  REQUIRE(holder->write(as_bytes("01")));
  Result<std::unique_ptr<space::UploadWriter>> taken = fail(Kind::other, "not yet");
  std::thread newcomer([&] { taken = world.spaces->write(guid, upload.upload, 2, std::nullopt); });
  while (!holder->asked_to_stop()) std::this_thread::yield();
  CHECK(kind_of(holder->write(as_bytes("23"))) == Kind::locked);
  holder.reset();
  newcomer.join();
  REQUIRE(taken);
  CHECK((*taken)->offset() == 2);
}

TEST_CASE("a newcomer takes an upload from a holder whose client went silent") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  auto holder = must_write(world, guid, upload.upload, 0);
  REQUIRE(holder->write(as_bytes("0123")));
  // What had arrived is recorded, so the newcomer must ask for the offset again.
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, {})) == Kind::conflict);
  CHECK(holder->asked_to_stop());
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  auto newcomer = must_write(world, guid, upload.upload, 4);
  CHECK(kind_of(holder->write(as_bytes("XX"))) == Kind::locked);
  REQUIRE(newcomer->write(as_bytes("456")));
  CHECK(kind_of(holder->finish()) == Kind::locked);
  holder.reset();
  REQUIRE(newcomer->write(as_bytes("789")));
  CHECK(newcomer->finish()->complete);
  CHECK(world.read(space, upload.upload) == "0123456789");
}

TEST_CASE("a newcomer is refused while the holder is at work") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  // Stands still in the middle of a write, as on a slow disk.
  class Stuck final : public space::Staged {
   public:
    Stuck(std::unique_ptr<space::Staged> inner, std::atomic<int>& stage) : inner_(std::move(inner)), stage_(stage) {}
    Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
      stage_ = 1;
      stage_.notify_all();
      stage_.wait(1);
      return inner_->write_at(offset, bytes);
    }
    Result<void> start_write_back(std::uint64_t, std::uint64_t) override { return {}; }
    Result<space::Extents> make_durable() override { return inner_->make_durable(); }
    Result<space::Extents> make_bytes_durable() override { return inner_->make_bytes_durable(); }
    Result<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
    Result<std::uint64_t> size() const override { return inner_->size(); }

   private:
    std::unique_ptr<space::Staged> inner_;
    std::atomic<int>& stage_;
  };
  class StuckBlobs final : public space::Blobs {
   public:
    explicit StuckBlobs(space::Blobs& inner) : inner_(inner) {}
    Result<std::unique_ptr<space::Staged>> create(const Id& blob) override { return inner_.create(blob); }
    Result<std::unique_ptr<space::Staged>> reopen(const Id& blob) override {
      auto staged = inner_.reopen(blob);
      if (!staged) return staged;
      return std::make_unique<Stuck>(std::move(*staged), stage);
    }
    Result<void> publish(const std::vector<Id>& blobs) override { return inner_.publish(blobs); }
    Result<std::unique_ptr<space::Opened>> open(const Id& blob) override { return inner_.open(blob); }
    Result<void> remove(const Id& blob) override { return inner_.remove(blob); }
    Result<void> quarantine(const Id& blob) override { return inner_.quarantine(blob); }
    Result<std::vector<space::BlobUse>> list() override { return inner_.list(); }
    std::uint64_t free_bytes() const override { return inner_.free_bytes(); }
    std::atomic<int> stage{0};

   private:
    space::Blobs& inner_;
  };
  StuckBlobs stuck(*world.blobs);
  space::Spaces spaces(*world.catalog, stuck, world.clock, world.events, world.policy);
  auto holder = spaces.write(guid, upload.upload, 0, std::nullopt);
  REQUIRE(holder);
  std::thread working([&] { (void)(*holder)->write(as_bytes("0123")); });
  stuck.stage.wait(0);
  CHECK(kind_of(spaces.write(guid, upload.upload, 0, {})) == Kind::locked);
  CHECK((*holder)->asked_to_stop());
  stuck.stage = 2;
  stuck.stage.notify_all();
  working.join();
  holder->reset();
  CHECK(spaces.upload(guid, upload.upload)->offset == 4);
}

TEST_CASE("many writers of one upload never mix their bytes") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  world.policy.lock_wait = Millis(10'000);
  world.restart();
  constexpr std::uint64_t length = 4000;
  const auto upload = must_begin(world, guid, new_upload("a", length));
  std::string whole;
  for (std::uint64_t i = 0; i < length; ++i) whole += static_cast<char>('a' + i % 26);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (;;) {
        const auto row = world.spaces->upload(guid, upload.upload);
        if (!row) throw std::runtime_error(row.error().what);
        if (row->offset == length) return;
        auto writer = world.spaces->write(guid, upload.upload, row->offset, std::nullopt);
        if (!writer) continue;
        std::uint64_t at = (*writer)->offset();
        for (int piece = 0; piece < 5 && at < length; ++piece) {
          const std::string_view bytes = std::string_view(whole).substr(at, 13 + i);
          if (!(*writer)->write(as_bytes(bytes))) break;
          at += bytes.size();
        }
        if (i % 2 == 0) (void)(*writer)->finish();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(world.read(space, upload.upload) == whole);
  REQUIRE(world.view(space).deliveries.size() == 1);
  CHECK(world.view(space).deliveries[0].files[0].xxh128 == sum_of(whole));
}
