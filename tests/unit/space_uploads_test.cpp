// Resumable uploads: offsets, locks, checksums, cuts, quotas while they run.
#include "unit/catch.h"

#include <thread>

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

namespace {

std::unique_ptr<space::UploadWriter> must_write(World& world, const Guid& guid, const Id& upload,
                                                std::uint64_t offset) {
  auto writer = world.spaces->write(guid, upload, offset, std::nullopt);
  if (!writer) throw std::runtime_error(writer.error().what);
  return std::move(*writer);
}

space::UploadRow must_begin(World& world, const Guid& guid, const space::NewUpload& wish) {
  auto row = world.spaces->create_upload(guid, wish);
  if (!row) throw std::runtime_error(row.error().what);
  return *row;
}

Xxh128Sum sum_of(std::string_view bytes) {
  Xxh128 sum;
  sum.update(as_bytes(bytes));
  return sum.sum();
}

space::ChunkChecksum checksum_of(const std::string& algorithm, std::string_view bytes) {
  auto sum = NamedSum::start(algorithm);
  sum->update(as_bytes(bytes));
  return {algorithm, sum->sum()};
}

}  // namespace

TEST_CASE("an upload goes on where it stopped") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  CHECK(upload.offset == 0);
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("01234")));
    const auto finished = writer->finish();
    REQUIRE(finished);
    CHECK(finished->offset == 5);
    CHECK_FALSE(finished->complete);
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 5);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, {})) == Kind::conflict);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 6, {})) == Kind::conflict);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, ~0ULL, {})) == Kind::conflict);
  const bool after_restart = GENERATE(false, true);
  if (after_restart) world.restart();
  auto writer = must_write(world, guid, upload.upload, 5);
  REQUIRE(writer->write(as_bytes("56789")));
  const auto finished = writer->finish();
  REQUIRE(finished);
  CHECK(finished->complete);
  REQUIRE(finished->file);
  CHECK(finished->file->file == upload.upload);
  CHECK(finished->file->xxh128 == sum_of("0123456789"));
  CHECK(world.read(space, upload.upload) == "0123456789");
}

TEST_CASE("what a cut request had written is kept and recorded") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("0123")));
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  const auto recovered = world.restart();
  CHECK(recovered.truncated == 0);
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
}

TEST_CASE("a request that is cut after its last byte completes the upload") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 4));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("0123")));
  }
  CHECK(world.view(space).deliveries.size() == 1);
  const auto head = world.spaces->upload(guid, upload.upload);
  REQUIRE(head);
  CHECK(head->offset == 4);
  CHECK(head->length == 4);
  // The client did not see the answer and comes again, with nothing or with the last chunk.
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, {})) == Kind::conflict);
  auto writer = must_write(world, guid, upload.upload, 4);
  const auto finished = writer->finish();
  REQUIRE(finished);
  CHECK(finished->complete);
  CHECK(finished->file->xxh128 == sum_of("0123"));
}

TEST_CASE("bytes beyond the announced length are refused") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 4));
  auto writer = must_write(world, guid, upload.upload, 0);
  CHECK(kind_of(writer->write(as_bytes("01234"))) == Kind::too_large);
  REQUIRE(writer->write(as_bytes("01")));
  CHECK(kind_of(writer->write(as_bytes("234"))) == Kind::too_large);
  REQUIRE(writer->finish());
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 2);
}

TEST_CASE("an empty file is complete when it is announced") {
  World world;
  const auto space = world.create();
  const auto upload = must_begin(world, space.space.guid, new_upload("empty", 0));
  const auto info = world.view(space);
  REQUIRE(info.deliveries.size() == 1);
  CHECK(info.deliveries[0].files[0].size == 0);
  auto writer = must_write(world, space.space.guid, upload.upload, 0);
  CHECK(writer->finish()->complete);
  CHECK(world.read(space, upload.upload).empty());
  CHECK(world.view(space).deliveries.size() == 1);
}

TEST_CASE("a length may come later, once") {
  World world;
  const auto space = world.create(with_limits(10, 5));
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", std::nullopt));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("01234567")));
    CHECK(kind_of(writer->write(as_bytes("89a"))) == Kind::too_large);
    const auto finished = writer->finish();
    REQUIRE(finished);
    CHECK_FALSE(finished->complete);
  }
  CHECK(kind_of(world.spaces->set_length(guid, upload.upload, 7)) == Kind::usage);
  CHECK(kind_of(world.spaces->set_length(guid, upload.upload, 11)) == Kind::too_large);
  REQUIRE(world.spaces->set_length(guid, upload.upload, 9));
  CHECK(world.spaces->set_length(guid, upload.upload, 9));
  CHECK(kind_of(world.spaces->set_length(guid, upload.upload, 10)) == Kind::conflict);
  world.restart();
  {
    auto writer = must_write(world, guid, upload.upload, 8);
    REQUIRE(writer->write(as_bytes("8")));
    CHECK(writer->finish()->complete);
  }
  CHECK(world.read(space, upload.upload) == "012345678");

  const auto exact = must_begin(world, guid, new_upload("b", std::nullopt));
  {
    auto writer = must_write(world, guid, exact.upload, 0);
    REQUIRE(writer->write(as_bytes("x")));
    REQUIRE(writer->finish());
  }
  REQUIRE(world.spaces->set_length(guid, exact.upload, 1));
  CHECK(world.view(space).deliveries.size() == 2);
}

TEST_CASE("a wrong checksum takes back the chunk and no more") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const std::string algorithm = GENERATE("md5", "sha1", "sha256", "xxh128");
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  {
    auto writer = world.spaces->write(guid, upload.upload, 0, checksum_of(algorithm, "0123"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("0123")));
    REQUIRE((*writer)->finish());
  }
  {
    auto writer = world.spaces->write(guid, upload.upload, 4, checksum_of(algorithm, "456789"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("45678X")));
    CHECK(kind_of((*writer)->finish()) == Kind::integrity);
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  CHECK(std::filesystem::file_size(world.directory / ("staging/" + upload.upload.text())) == 4);
  {  // cut before the end: nothing of it was checked
    auto writer = world.spaces->write(guid, upload.upload, 4, checksum_of(algorithm, "456789"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("456")));
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  {
    auto writer = world.spaces->write(guid, upload.upload, 4, checksum_of(algorithm, "456789"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("456789")));
    const auto finished = (*writer)->finish();
    REQUIRE(finished);
    CHECK(finished->file->xxh128 == sum_of("0123456789"));
  }
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, space::ChunkChecksum{"crc32", {}})) == Kind::usage);
}

TEST_CASE("readers never see bytes whose checksum is not known yet") {
  World world;
  const auto space = world.create();
  const auto upload = must_begin(world, space.space.guid, new_upload("a", 10));
  const auto content = world.spaces->content(space.space.guid, space.token.text(), upload.upload);
  REQUIRE(content);
  auto writer = world.spaces->write(space.space.guid, upload.upload, 0, checksum_of("sha1", "right"));
  REQUIRE(writer);
  REQUIRE((*writer)->write(as_bytes("wrong")));
  CHECK((*content)->available().bytes == 0);
  CHECK_FALSE((*writer)->finish());
  CHECK((*content)->available().bytes == 0);
}

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
    Result<void> make_durable() override { return inner_->make_durable(); }
    Result<void> make_bytes_durable() override { return inner_->make_bytes_durable(); }
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

TEST_CASE("the receiver reads an upload while it grows, under the same name afterwards") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 8));
  const auto content = world.spaces->content(guid, space.token.text(), upload.upload);
  REQUIRE(content);
  CHECK((*content)->file() == nullptr);
  CHECK((*content)->length() == 8);
  const unsigned before = world.events.of_upload(upload.upload);
  auto writer = must_write(world, guid, upload.upload, 0);
  REQUIRE(writer->write(as_bytes("0123")));
  CHECK((*content)->available().bytes == 4);
  CHECK((*content)->available().growth == space::Content::Growth::growing);
  REQUIRE(world.view(space).uploads.size() == 1);
  CHECK(world.view(space).uploads[0].offset == 4);
  REQUIRE(writer->write(as_bytes("4567")));
  REQUIRE(writer->finish());
  CHECK((*content)->available().bytes == 8);
  CHECK((*content)->available().growth == space::Content::Growth::complete);
  CHECK(world.events.of_upload(upload.upload) > before);
  char bytes[8];
  REQUIRE(::pread((*content)->fd(), bytes, 8, 0) == 8);
  CHECK(std::string(bytes, 8) == "01234567");
  const auto again = world.spaces->content(guid, space.token.text(), upload.upload);
  REQUIRE(again);
  REQUIRE((*again)->file() != nullptr);
}

TEST_CASE("who reads an upload learns that it was taken back") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 8));
  const auto content = world.spaces->content(guid, space.token.text(), upload.upload);
  auto writer = must_write(world, guid, upload.upload, 0);
  REQUIRE(writer->write(as_bytes("01")));
  REQUIRE(world.spaces->remove_upload(guid, upload.upload));
  CHECK((*content)->available().growth == space::Content::Growth::ended);
  CHECK(writer->asked_to_stop());
  CHECK(kind_of(writer->write(as_bytes("23"))) == Kind::gone);
  CHECK(kind_of(writer->finish()) == Kind::gone);
  writer.reset();
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::not_found);
  CHECK(world.view(space).uploads.empty());
  CHECK(world.files_in("staging") == 0);
  CHECK(world.spaces->drop(guid)->limits.max_files == world.policy.max_files);
}

TEST_CASE("a complete upload cannot be taken back by its sender") {
  World world;
  const auto space = world.create();
  const auto file = world.send(space.space.guid, "a", "bytes");
  CHECK(kind_of(world.spaces->remove_upload(space.space.guid, file->file)) == Kind::denied);
  CHECK(world.view(space).deliveries.size() == 1);
}

TEST_CASE("progress changes the state at most five times a second") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 100U << 20));
  auto writer = must_write(world, guid, upload.upload, 0);
  const std::string piece(256U << 10, 'x');
  const unsigned before = world.events.of_space(guid);
  for (int i = 0; i < 40; ++i) {
    REQUIRE(writer->write(as_bytes(piece)));
    world.clock.pass(Millis(10));
  }
  const unsigned ticks = world.events.of_space(guid) - before;
  CHECK(ticks >= 1);
  CHECK(ticks <= 3);
}

TEST_CASE("a slow upload is recorded while it runs") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 100));
  auto writer = must_write(world, guid, upload.upload, 0);
  REQUIRE(writer->write(as_bytes("0123")));
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 0);
  world.clock.pass(Seconds(3));
  REQUIRE(writer->write(as_bytes("45")));
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 6);
}

TEST_CASE("an upload that nobody continues expires") {
  World world({.upload_expire = Seconds(60)});
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 100));
  world.clock.pass(Seconds(50));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("0123")));
  }
  world.clock.pass(Seconds(50));
  { auto writer = must_write(world, guid, upload.upload, 4); }
  world.clock.pass(Seconds(61));
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::gone);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 4, {})) == Kind::gone);
  const auto swept = world.spaces->sweep();
  REQUIRE(swept);
  CHECK(swept->uploads == 1);
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
  CHECK(world.view(space).uploads.empty());
}

TEST_CASE("partial uploads become one file") {
  World world;
  const auto space = world.create(with_limits(10, 1));
  const Guid guid = space.space.guid;
  std::vector<Id> parts;
  for (const std::string bytes : {"012", "3456", "789"}) {
    auto wish = new_upload("", bytes.size());
    wish.partial = true;
    const auto part = must_begin(world, guid, wish);
    parts.push_back(part.upload);
    CHECK(kind_of(world.spaces->concatenate(guid, new_upload("all", {}), parts)) == Kind::conflict);
    auto writer = must_write(world, guid, part.upload, 0);
    REQUIRE(writer->write(as_bytes(bytes)));
    const auto finished = writer->finish();
    REQUIRE(finished);
    CHECK(finished->complete);
    CHECK_FALSE(finished->file);
    CHECK(world.spaces->upload(guid, part.upload)->offset == bytes.size());
  }
  CHECK(world.view(space).deliveries.empty());
  CHECK(world.view(space).uploads.empty());
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("../x", {}), parts)) == Kind::integrity);
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("x", {}), {Id::random()})) == Kind::not_found);
  // A short request must not write a part as often as it can name it.
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("x", {}), {parts[0], parts[1], parts[0]})) == Kind::usage);
  std::stop_source stop;
  stop.request_stop();
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("x", {}), parts, stop.get_token())) == Kind::unavailable);
  CHECK(world.files_in("staging") == parts.size());
  const auto whole = world.spaces->concatenate(guid, new_upload("all", {}), parts);
  REQUIRE(whole);
  CHECK(whole->offset == 10);
  CHECK(whole->length == 10);
  const auto info = world.view(space);
  REQUIRE(info.deliveries.size() == 1);
  CHECK(info.deliveries[0].files[0].xxh128 == sum_of("0123456789"));
  CHECK(world.read(space, whole->upload) == "0123456789");
  CHECK(kind_of(world.spaces->upload(guid, parts[0])) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
  world.restart();
  CHECK(world.files_in("quarantine") == 0);
}
