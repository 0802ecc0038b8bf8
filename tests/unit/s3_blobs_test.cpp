// The rules over a store of objects: what was acknowledged is there, whatever the store does meanwhile.
#include "s3/object_blobs.h"

#include "memory_store.h"
#include "space_world.h"

using namespace qrx;
using namespace qrx::s3;
using namespace qrx::test;

namespace {

using Fault = MemoryStore::Fault;

// A node over a catalog in a directory and a store in memory; restarted, or beside another.
class Node {
 public:
  Node(TempDirectory& directory, MemoryStore& store) : directory_(directory), store_(store) {
    policy_.lock_wait = Millis(50);
    start();
  }
  // Beside another, over the same catalog: a file of SQLite has one process.
  Node(TempDirectory& directory, MemoryStore& store, std::shared_ptr<store::SqliteCatalog> of_both)
      : catalog(std::move(of_both)), directory_(directory), store_(store) {
    policy_.lock_wait = Millis(50);
    policy_.shared = true;
    start();
  }
  void start() {
    if (catalog == nullptr) catalog = open_catalog(directory_);
    ObjectBlobsOptions options;
    options.place = {store_.origin(), true, "us-east-1", "bucket", "p/"};
    options.spool = directory_ / "spool";
    options.wake = [this](const Id& topic) { events.upload_grew(topic); };
    options.failed = [this](const std::string&) { ++troubles; };
    options.shared_settles = shared_settles;
    options.trouble_after = Seconds(0);
    ::setenv("AWS_ACCESS_KEY_ID", "a", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
    auto made = ObjectBlobs::open(std::move(options), *catalog);
    ::unsetenv("AWS_ACCESS_KEY_ID");
    ::unsetenv("AWS_SECRET_ACCESS_KEY");
    if (!made) throw std::runtime_error(made.error().what);
    blobs = std::move(*made);
    spaces = std::make_unique<space::Spaces>(*catalog, *blobs, clock, events, policy_);
  }
  void restart() {
    spaces.reset();
    blobs.reset();
    catalog.reset();
    start();
    REQUIRE(spaces->recover());
  }
  static std::shared_ptr<store::SqliteCatalog> open_catalog(TempDirectory& directory) {
    auto opened = store::SqliteCatalog::open(directory / "catalog.db", {});
    if (!opened) throw std::runtime_error(opened.error().what);
    return std::move(*opened);
  }
  space::Created create() {
    auto created = spaces->create(expiring_in(Seconds(6 * 24 * 3600)));
    if (!created) throw std::runtime_error(created.error().what);
    return *created;
  }
  space::UploadRow begin(const space::Created& of, const std::string& name, std::uint64_t length) {
    auto upload = spaces->create_upload(of.space.guid, new_upload(name, length));
    if (!upload) throw std::runtime_error(upload.error().what);
    return *upload;
  }
  // What PATCH does, in pieces of a megabyte; where the upload stands afterwards.
  Result<space::UploadWriter::Finished> append(const space::Created& of, const Id& upload, std::uint64_t offset,
                                               std::string_view bytes) {
    auto writer = spaces->write(of.space.guid, upload, offset, std::nullopt);
    if (!writer) return tl::unexpected(writer.error());
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, 1U << 20);
      if (auto written = (*writer)->write(as_bytes(piece)); !written) return tl::unexpected(written.error());
      bytes.remove_prefix(piece.size());
    }
    return (*writer)->finish();
  }
  Result<space::FileRow> send(const space::Created& of, const std::string& name, std::string_view bytes) {
    const auto upload = begin(of, name, bytes.size());
    auto finished = append(of, upload.upload, 0, bytes);
    if (!finished) return tl::unexpected(finished.error());
    return *finished->file;
  }
  // By pieces, as a download takes it.
  std::string read(const space::Created& of, const Id& file, std::uint64_t from = 0, std::uint64_t most = 1U << 20) {
    auto content = spaces->content(of.space.guid, of.token.text(), file);
    if (!content) return "error: " + content.error().what;
    std::string out;
    const std::uint64_t end = (*content)->available().bytes;
    for (int idle = 0; from < end && idle < 5000;) {
      auto piece = (*content)->take(from, std::min(most, end - from));
      if (!piece) return "error: " + piece.error().what;
      if (std::holds_alternative<space::NotYet>(*piece)) {
        std::this_thread::sleep_for(Millis(1));
        ++idle;
        continue;
      }
      std::string bytes;
      if (auto* memory = std::get_if<std::string>(&*piece)) {
        bytes = std::move(*memory);
      } else {
        const auto run = std::get<space::FileRun>(*piece);
        bytes.resize(run.size);
        if (::pread(run.fd, bytes.data(), run.size, static_cast<off_t>(run.offset)) != static_cast<ssize_t>(run.size))
          return "error: short";
      }
      from += bytes.size();
      out += bytes;
    }
    return out;
  }

  Seconds shared_settles{0};
  std::atomic<unsigned> troubles{0};  // told
  MovableClock clock;
  CountedEvents events;
  std::shared_ptr<store::SqliteCatalog> catalog;
  std::unique_ptr<ObjectBlobs> blobs;
  std::unique_ptr<space::Spaces> spaces;

 private:
  TempDirectory& directory_;
  MemoryStore& store_;
  space::Policy policy_;
};

std::string bytes_of(std::size_t size, unsigned seed = 1) {
  std::string out(size, '\0');
  std::uint32_t state = seed;
  for (char& c : out) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
  return out;
}

constexpr std::size_t large = 21'000'001;  // three objects

}  // namespace

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
  CHECK(kind_of((*second)->add("c", as_bytes(bytes), {})) == Kind::too_large);
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
