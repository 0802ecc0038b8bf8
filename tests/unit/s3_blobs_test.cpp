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

TEST_CASE("two nodes: whoever comes later goes on with an upload, and the earlier writer changes nothing") {
  TempDirectory directory;
  MemoryStore store;
  const auto catalog = Node::open_catalog(directory);
  Node one(directory, store, catalog), other(directory, store, catalog);
  const auto of = one.create();
  const std::string bytes = bytes_of(2'000'000);
  const auto upload = one.begin(of, "shared", bytes.size());
  REQUIRE(one.append(of, upload.upload, 0, std::string_view(bytes).substr(0, 500'000)));
  // It writes on, and is paused before it records.
  auto stale = one.spaces->write(of.space.guid, upload.upload, 500'000, std::nullopt);
  REQUIRE(stale);
  REQUIRE((*stale)->write(as_bytes(std::string_view(bytes_of(300'000, 9)))));
  const auto taken = other.append(of, upload.upload, 500'000, std::string_view(bytes).substr(500'000, 700'000));
  REQUIRE(taken);
  CHECK(taken->offset == 1'200'000);
  const auto late = (*stale)->finish();
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == Kind::conflict);
  stale->reset();
  const auto finished = one.append(of, upload.upload, 1'200'000, std::string_view(bytes).substr(1'200'000));
  if (!finished) FAIL(finished.error().what);
  REQUIRE(finished);
  REQUIRE(finished->file);
  CHECK(one.read(of, upload.upload) == bytes);
  CHECK(other.read(of, upload.upload) == bytes);
  CHECK(other.spaces->check([](const std::string& line) { FAIL(line); })->files == 1);
  CHECK(store.overwritten == 0);
}

TEST_CASE("two nodes: the small files of one request are one object and one transaction, and durable at once") {
  TempDirectory directory;
  MemoryStore store;
  const auto catalog = Node::open_catalog(directory);
  Node one(directory, store, catalog), other(directory, store, catalog);
  const auto of = one.create();
  const auto delivery = one.spaces->open_delivery(of.space.guid, {});
  REQUIRE(delivery);
  auto batch = one.spaces->begin_batch(of.space.guid, delivery->delivery);
  REQUIRE(batch);
  std::map<std::string, std::string> sent;
  for (unsigned number = 0; number < 30; ++number) {
    const std::string name = "file " + std::to_string(number);
    sent[name] = bytes_of(number * 100, number);
    const auto sum = (*batch)->add(name, as_bytes(sent[name]), {});
    REQUIRE(sum);
    Xxh128 expected;
    expected.update(as_bytes(sent[name]));
    CHECK(*sum == expected.sum());
  }
  // The later of two of one name wins, within a request too.
  sent["file 3"] = "anew";
  REQUIRE((*batch)->add("file 3", as_bytes(sent["file 3"]), {}));
  // A bad one ends the request, and spoils none of those before it.
  CHECK(kind_of((*batch)->add("../up", as_bytes("x"), {})) == Kind::integrity);
  CHECK((*catalog->space(of.space.guid))->files.empty());
  const unsigned puts = store.puts;
  REQUIRE((*batch)->finish());
  batch->reset();
  CHECK(store.puts == puts + 1);
  std::uint64_t bytes = 0;
  for (const auto& [name, content] : sent) bytes += content.size();
  const auto recorded = *catalog->space(of.space.guid);
  REQUIRE(recorded->files.size() == 30);
  CHECK(recorded->space.use.bytes == bytes);
  CHECK(recorded->space.use.weight.files == 30);
  // Its answer was lost: the same again stores nothing.
  auto again = one.spaces->begin_batch(of.space.guid, delivery->delivery);
  for (const auto& [name, content] : sent) REQUIRE((*again)->add(name, as_bytes(content), {}));
  REQUIRE((*again)->finish());
  again->reset();
  CHECK(store.puts == puts + 1);
  // Another node replaces one, and commits: the others of its pack stay.
  sent["file 8"] = "from the other";
  REQUIRE(other.spaces->put_small(of.space.guid, delivery->delivery, "file 8", as_bytes(sent["file 8"])));
  wire::CommitDelivery wish;
  wish.files = 30;
  REQUIRE(other.spaces->commit(of.space.guid, delivery->delivery, wish));
  REQUIRE(other.spaces->sweep());
  const auto state = *catalog->space(of.space.guid);
  REQUIRE(state->files.size() == 30);
  for (const auto& file : state->files) CHECK(one.read(of, file.file) == sent[file.name]);
  CHECK(one.spaces->check([](const std::string& line) { FAIL(line); })->files == 30);
  REQUIRE(one.spaces->remove(of.space.guid, of.token.text()));
  REQUIRE(one.spaces->sweep());
  for (const auto& [name, content] : store.objects()) CHECK(name.find("catalog/") != std::string::npos);
}

TEST_CASE("two nodes: what a batch replaces by itself leaves nothing in the store") {
  TempDirectory directory;
  MemoryStore store;
  const auto catalog = Node::open_catalog(directory);
  Node one(directory, store, catalog);
  const auto of = one.create();
  const auto delivery = one.spaces->open_delivery(of.space.guid, {});
  REQUIRE(delivery);
  auto batch = one.spaces->begin_batch(of.space.guid, delivery->delivery);
  // The first four fill an object by themselves.
  for (const char fill : {'x', 'y'})
    for (const char* name : {"a", "b", "c", "d"})
      REQUIRE((*batch)->add(name, as_bytes(std::string(wire::most_small_bytes, fill)), {}));
  REQUIRE((*batch)->finish());
  batch->reset();
  wire::CommitDelivery wish;
  wish.files = 4;
  REQUIRE(one.spaces->commit(of.space.guid, delivery->delivery, wish));
  const auto state = *catalog->space(of.space.guid);
  REQUIRE(state->files.size() == 4);
  CHECK(state->space.use.bytes == 4 * wire::most_small_bytes);
  for (const auto& file : state->files) CHECK(one.read(of, file.file) == std::string(wire::most_small_bytes, 'y'));
  REQUIRE(one.spaces->remove(of.space.guid, of.token.text()));
  REQUIRE(one.spaces->sweep());
  for (const auto& [name, content] : store.objects()) CHECK(name.find("catalog/") != std::string::npos);
}

TEST_CASE("two nodes: a batch that comes to no end counts for nothing") {
  TempDirectory directory;
  MemoryStore store;
  const auto catalog = Node::open_catalog(directory);
  Node one(directory, store, catalog), other(directory, store, catalog);
  auto created = one.spaces->create(with_limits(1000, 3));
  REQUIRE(created);
  const auto guid = created->space.guid;
  const auto delivery = one.spaces->open_delivery(guid, {});
  REQUIRE(delivery);
  const std::string bytes(600, 'x');
  auto batch = one.spaces->begin_batch(guid, delivery->delivery);
  REQUIRE((*batch)->add("a", as_bytes(bytes), {}));
  // Beside it there is no room for another, whatever changes meanwhile at another node.
  REQUIRE(other.spaces->put_small(guid, delivery->delivery, "b", as_bytes("b")));
  auto second = one.spaces->begin_batch(guid, delivery->delivery);
  // Not too large for good: what is on its way may come to nothing.
  CHECK(kind_of((*second)->add("c", as_bytes(bytes), {})) == Kind::no_room_now);
  second->reset();
  batch->reset();
  auto third = one.spaces->begin_batch(guid, delivery->delivery);
  REQUIRE((*third)->add("c", as_bytes(bytes), {}));
  REQUIRE((*third)->finish());
  CHECK((*catalog->space(guid))->space.use.bytes == 601);
  // Ended meanwhile: what comes too late is nowhere.
  auto late = one.spaces->begin_batch(guid, delivery->delivery);
  REQUIRE((*late)->add("d", as_bytes("d"), {}));
  REQUIRE(other.spaces->cancel(guid, delivery->delivery));
  CHECK(kind_of((*late)->finish()) == Kind::not_found);
  late->reset();
  CHECK((*catalog->space(guid))->space.use.bytes == 0);
}
