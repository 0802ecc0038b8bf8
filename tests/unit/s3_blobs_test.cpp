// The rules over a store of objects: what was acknowledged is there, whatever way it came.
#include "s3_node.h"

using namespace qrx;
using namespace qrx::s3;
using namespace qrx::test;

TEST_CASE("a large file is objects of eight megabytes, and comes back the same") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const std::string bytes = bytes_of(large);
  const auto file = node.send(of, "large", bytes);
  REQUIRE(file);
  CHECK(store.objects().size() == 3);
  CHECK(node.catalog->extents(file->blob)->size() == 3);
  CHECK(node.read(of, file->file) == bytes);
  CHECK(node.read(of, file->file, 0, 100'000) == bytes);
  CHECK(node.read(of, file->file, 8'388'600) == bytes.substr(8'388'600));
  node.restart();
  CHECK(node.read(of, file->file) == bytes);
  CHECK(node.spaces->check([](const std::string& line) { FAIL(line); })->corrupt == 0);
  // Gone with its space, once a sweep has been.
  REQUIRE(node.spaces->remove(of.space.guid, of.token.text()));
  REQUIRE(node.spaces->sweep());
  CHECK(store.objects().empty());
  CHECK(node.catalog->extents(file->blob)->empty());
  CHECK(store.overwritten == 0);
}

TEST_CASE("files of no bytes and of one") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const auto none = node.send(of, "none", "");
  REQUIRE(none);
  CHECK(node.read(of, none->file).empty());
  const auto one = node.send(of, "one", "1");
  REQUIRE(one);
  node.restart();
  CHECK(node.read(of, none->file).empty());
  CHECK(node.read(of, one->file) == "1");
  CHECK(store.objects().size() == 1);
}

TEST_CASE("an address in the store is for what is one object, with nothing else in it") {
  MemoryStore store;
  TempDirectory directory;
  Node node(directory, store);
  const auto space = node.create();
  const auto address = [&](const space::FileRow& file) {
    const auto content = node.spaces->content(space.space.guid, space.token.text(), file.file);
    REQUIRE(content);
    return (*content)->address({"image/png", "attachment; filename=\"a b\""});
  };
  const auto medium = node.send(space, "medium", bytes_of(300U << 10));
  REQUIRE(medium);
  const auto found = address(*medium);
  REQUIRE(found);
  CHECK(found->starts_with(store.origin().url() + "/bucket/p/"));
  for (const char* part : {"X-Amz-Expires=60", "response-content-type=image%2Fpng", "X-Amz-SignedHeaders=host&",
                           "response-content-disposition=attachment%3B%20filename%3D%22a%20b%22", "X-Amz-Signature="})
    CHECK(found->find(part) != std::string::npos);
  CHECK(!address(*node.send(space, "small", bytes_of(5000))));
  CHECK(!address(*node.send(space, "large", bytes_of(large))));
  node.restart();
  CHECK(address(*medium));
  // In two requests: two objects.
  const auto upload = node.begin(space, "twice", 600U << 10);
  REQUIRE(node.append(space, upload.upload, 0, bytes_of(300U << 10)));
  const auto ended = node.append(space, upload.upload, 300U << 10, bytes_of(300U << 10));
  REQUIRE(ended);
  CHECK(!address(*ended->file));
  const std::string text = [&] {
    Measures measures;
    node.blobs->measure(measures);
    return text_of(measures);
  }();
  CHECK(text.find("qrx_s3_requests_total{method=\"PUT\",status=\"2xx\"}") != std::string::npos);
  CHECK(text.find("\nqrx_spool_bytes 0\n") != std::string::npos);
}

TEST_CASE("an upload goes on where it was acknowledged, after a restart, too") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const std::string bytes = bytes_of(large);
  const auto upload = node.begin(of, "large", large);
  std::uint64_t at = 0;
  for (const std::size_t size : {1UL, 300'000UL, 9'000'000UL}) {
    const auto kept = node.append(of, upload.upload, at, std::string_view(bytes).substr(at, size));
    REQUIRE(kept);
    at += size;
    CHECK(kept->offset == at);
    // Its reader sees all of it, from the spool or the store.
    CHECK(node.read(of, upload.upload) == bytes.substr(0, at));
    node.restart();
    CHECK(node.spaces->upload(of.space.guid, upload.upload)->offset == at);
  }
  REQUIRE(node.append(of, upload.upload, at, std::string_view(bytes).substr(at)));
  CHECK(node.read(of, upload.upload) == bytes);
}

TEST_CASE("small files of a delivery are one object") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto of = node.create();
  const auto delivery = node.spaces->open_delivery(of.space.guid, {});
  REQUIRE(delivery);
  std::map<std::string, std::string> sent;
  for (unsigned number = 0; number < 300; ++number) {
    const std::string name = "file " + std::to_string(number);
    sent[name] = bytes_of(number * 10, number);
    REQUIRE(node.spaces->put_small(of.space.guid, delivery->delivery, name, as_bytes(sent[name])));
  }
  // One is replaced before the commit.
  sent["file 7"] = "anew";
  REQUIRE(node.spaces->put_small(of.space.guid, delivery->delivery, "file 7", as_bytes(sent["file 7"])));
  const unsigned before = store.puts;
  wire::CommitDelivery wish;
  wish.files = 300;
  REQUIRE(node.spaces->commit(of.space.guid, delivery->delivery, wish));
  CHECK(store.puts == before + 1);
  node.restart();
  const unsigned gets = store.gets;
  const auto state = node.catalog->space(of.space.guid);
  REQUIRE((*state)->files.size() == 300);
  for (const auto& file : (*state)->files) CHECK(node.read(of, file.file) == sent[file.name]);
  CHECK(store.gets < gets + 5);  // read block by block
  CHECK(node.spaces->check([](const std::string& line) { FAIL(line); })->files == 300);
}

TEST_CASE("small uploads that end at once share an object, which goes with the last of them") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  const auto first = node.create(), second = node.create();
  std::vector<std::thread> senders;
  std::atomic<unsigned> sent{0};
  const unsigned before = store.puts;
  std::vector<std::pair<space::Created, Id>> files(16);
  for (unsigned number = 0; number < 16; ++number)
    senders.emplace_back([&, number] {
      const auto& of = number % 2 == 0 ? first : second;
      const auto file = node.send(of, std::to_string(number), bytes_of(1000 + number, number));
      if (file) files[number] = {of, file->file};
      sent += file ? 1 : 0;
    });
  for (std::thread& one : senders) one.join();
  CHECK(sent == 16);
  CHECK(store.puts < before + 16);
  for (unsigned number = 0; number < 16; ++number)
    CHECK(node.read(files[number].first, files[number].second) == bytes_of(1000 + number, number));
  REQUIRE(node.spaces->remove(first.space.guid, first.token.text()));
  REQUIRE(node.spaces->sweep());
  for (unsigned number = 1; number < 16; number += 2)
    CHECK(node.read(files[number].first, files[number].second) == bytes_of(1000 + number, number));
  REQUIRE(node.spaces->remove(second.space.guid, second.token.text()));
  REQUIRE(node.spaces->sweep());
  node.clock.pass(std::chrono::hours(100));
  store.age(std::chrono::hours(49));
  REQUIRE(node.spaces->sweep());
  CHECK(store.objects().empty());
}

TEST_CASE("an object that others may still name outlives the first of its files that is deleted") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  node.shared_settles = Seconds(3600);
  node.restart();
  // Two small blobs in one object; the row of the second comes late.
  const auto of = node.create();
  std::vector<std::unique_ptr<space::Staged>> staged;
  std::vector<space::BlobKey> keys{Id::random(), Id::random()};
  std::vector<space::Extents> extents(2);
  for (const auto& key : keys) {
    staged.push_back(*node.blobs->create(key));
    REQUIRE(staged.back()->write_at(0, as_bytes(std::string_view("bytes"))));
  }
  for (const auto& one : staged) REQUIRE(one->begin_durable());
  for (std::size_t at = 0; at < 2; ++at) extents[at] = *staged[at]->make_durable();
  REQUIRE(extents[0][0].object == extents[1][0].object);
  const auto name = [&](std::size_t at, bool gone) {
    return node.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
      transaction.put_extents(keys[at], extents[at]);
      if (gone) transaction.discard(keys[at]);
      return {};
    });
  };
  REQUIRE(name(0, true));
  const auto swept = node.spaces->sweep();
  REQUIRE(swept);
  CHECK(swept->failures.empty());
  CHECK(store.objects().size() == 1);
  REQUIRE(name(1, false));
  staged.clear();
  node.shared_settles = Seconds(0);
  node.restart();
  REQUIRE(node.spaces->sweep());  // the first goes, the object is the second's
  CHECK(node.catalog->extents(keys[0])->empty());
  std::byte bytes[5];
  CHECK((*node.blobs->open(keys[1]))->read_at(0, bytes) == 5U);
}

TEST_CASE("what was stored says until when a row may name it, and what a row names already does not") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  for (const std::size_t size : {std::size_t{5}, std::size_t{1} << 20}) {
    const auto key = Id::random();
    auto staged = *node.blobs->create(key);
    REQUIRE(staged->write_at(0, as_bytes(std::string(size, 'x'))));
    const WallTime began = node.clock.wall();
    REQUIRE(staged->begin_durable());
    node.clock.pass(std::chrono::hours(2));  // the node stands still
    const auto extents = staged->make_durable();
    REQUIRE(extents);
    REQUIRE(extents->size() == 1);
    // Few bytes share an object, which is removed sooner than one of its own.
    CHECK(extents->front().until == began + (size == 5 ? Seconds(600) : Seconds(86'400)));
    REQUIRE(node.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
      transaction.put_extents(key, *extents);
      return {};
    }));
    CHECK_FALSE(node.catalog->extents(key)->front().until);
  }
}

TEST_CASE("a place belongs to one catalog") {
  TempDirectory directory;
  MemoryStore store;
  Node node(directory, store);
  CHECK(node.blobs->belong_to("one", false).error().kind == Kind::usage);  // nobody took it yet
  REQUIRE(node.blobs->belong_to("one", true));
  REQUIRE(node.blobs->belong_to("one", true));
  REQUIRE(node.blobs->belong_to("one", false));
  CHECK(node.blobs->belong_to("another", true).error().kind == Kind::usage);
  CHECK(node.blobs->belong_to("another", false).error().kind == Kind::usage);
  CHECK(store.objects().size() == 1);
  // Nobody takes it for nobody's.
  store.age(std::chrono::hours(49));
  REQUIRE(node.spaces->sweep());
  CHECK(store.objects().size() == 1);
  // The tables of each catalog have an id of their own, and keep it.
  TempDirectory elsewhere;
  Node other(elsewhere, store);
  const auto id = *node.catalog->remembered("catalog id");
  REQUIRE(id);
  CHECK(id != *other.catalog->remembered("catalog id"));
  node.restart();
  CHECK(id == *node.catalog->remembered("catalog id"));
}
