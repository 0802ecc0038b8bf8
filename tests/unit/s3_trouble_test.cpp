// A store of objects in trouble: what was acknowledged is there, what was not is not, and nothing stays that nobody
// names.
#include "s3_node.h"

using namespace qrx;
using namespace qrx::s3;
using namespace qrx::test;

namespace {

using Fault = MemoryStore::Fault;

}  // namespace

TEST_CASE("a store in trouble is tried again, and nothing is put twice under one name") {
  TempDirectory directory;
  MemoryStore store;
  std::atomic<unsigned> asked{0};
  Node node(directory, store);
  store.fault = [&](const std::string& method, const std::string&) {
    if (method == "DELETE") return Fault::none;
    switch (asked++ % 5) {
      case 0:
        return Fault::error_500;
      case 1:
        return Fault::cut_after;
      case 2:
        return Fault::slow_down;
      default:
        return Fault::none;
    }
  };
  const auto of = node.create();
  const std::string bytes = bytes_of(large);
  const auto file = node.send(of, "large", bytes);
  REQUIRE(file);
  CHECK(node.read(of, file->file) == bytes);
  CHECK(store.overwritten == 0);
}

TEST_CASE("what the store does not take is not acknowledged, counts for nothing and can be sent again") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const std::string bytes = bytes_of(1'000'000);
  const auto upload = node.begin(of, "large", bytes.size());
  REQUIRE(node.append(of, upload.upload, 0, std::string_view(bytes).substr(0, 400'000)));
  std::atomic<bool> down{true};
  store.fault = [&](const std::string& method, const std::string&) {
    return down && method == "PUT" ? Fault::absent : Fault::none;  // refused at once: not worth another try
  };
  const auto refused = node.append(of, upload.upload, 400'000, std::string_view(bytes).substr(400'000));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::unavailable);
  const auto row = node.spaces->upload(of.space.guid, upload.upload);
  REQUIRE(row);
  CHECK(row->offset == 400'000);
  CHECK_FALSE(row->damaged);
  CHECK((*node.catalog->space(of.space.guid))->space.use.bytes == 400'000);
  down = false;
  REQUIRE(node.append(of, upload.upload, 400'000, std::string_view(bytes).substr(400'000)));
  CHECK(node.read(of, upload.upload) == bytes);
  CHECK((*node.catalog->space(of.space.guid))->space.use.bytes == bytes.size());
}

TEST_CASE("what a writer had on its way to the store when it was dropped does not stay there") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const auto upload = node.begin(of, "wrong", large);
  const space::ChunkChecksum expected{"sha1", std::vector<std::uint8_t>(20, 1)};
  {
    auto writer = node.spaces->write(of.space.guid, upload.upload, 0, expected);
    REQUIRE(writer);
    const std::string bytes = bytes_of(large);
    for (std::size_t at = 0; at < bytes.size(); at += 1U << 20)
      REQUIRE((*writer)->write(as_bytes(std::string_view(bytes).substr(at, 1U << 20))));
    CHECK((*writer)->finish().error().kind == Kind::integrity);
  }
  for (int waited = 0; waited < 500 && (store.puts < 3 || !store.objects().empty()); ++waited)
    std::this_thread::sleep_for(Millis(10));
  CHECK(store.objects().empty());
  CHECK(node.spaces->upload(of.space.guid, upload.upload)->offset == 0);
}

TEST_CASE("trouble with the store is known while it lasts") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  CHECK_FALSE(node.blobs->trouble());
  std::atomic<bool> down{true};
  store.fault = [&](const std::string& method, const std::string&) {
    return down && method == "PUT" ? Fault::denied : Fault::none;
  };
  const auto of = node.create();
  const auto refused = node.send(of, "a", "1");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::unavailable);
  CHECK(node.troubles == 1);
  CHECK(node.blobs->trouble());
  down = false;
  // No client is sent here meanwhile: it finds out by itself that it is over.
  for (int waited = 0; waited < 500 && node.blobs->trouble(); ++waited) std::this_thread::sleep_for(Millis(10));
  CHECK_FALSE(node.blobs->trouble());
}

TEST_CASE("objects that nobody names are removed, once nobody can name them any more") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const auto file = node.send(of, "kept", bytes_of(500'000));
  REQUIRE(file);
  // A writer that stores and then dies: nothing of it is in a row.
  auto staged = node.blobs->create(Id::random());
  REQUIRE(staged);
  REQUIRE((*staged)->write_at(0, as_bytes(std::string_view("nobody's"))));
  REQUIRE((*staged)->make_durable());
  staged->reset();
  CHECK(store.objects().size() == 2);
  REQUIRE(node.spaces->sweep());
  CHECK(store.objects().size() == 2);
  store.age(std::chrono::hours(49));
  REQUIRE(node.spaces->sweep());
  CHECK(store.objects().size() == 2);  // it was looked at today
  node.clock.pass(std::chrono::hours(25));
  REQUIRE(node.spaces->sweep());
  CHECK(store.objects().size() == 1);
  CHECK(node.read(of, file->file) == bytes_of(500'000));
}

TEST_CASE("bytes that the store has lost are told, not made up") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const auto file = node.send(of, "lost", bytes_of(500'000));
  REQUIRE(file);
  store.lose(store.objects().begin()->first);
  CHECK(node.read(of, file->file) == "error: the server has lost bytes of this file");
  std::string told;
  CHECK(node.spaces->check([&](const std::string& line) { told += line; })->corrupt == 1);
  CHECK(told.find("has lost bytes") != std::string::npos);
}
