// Two nodes over one store of objects: what one of them has acknowledged is there by the other, too.
#include "s3_node.h"

using namespace qrx;
using namespace qrx::s3;
using namespace qrx::test;

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
