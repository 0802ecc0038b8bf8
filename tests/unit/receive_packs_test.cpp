// Packs: how sources are put together, what the manifest says of them, and what a receiver makes of honest and of
// hostile ones.
#include <set>

#include "base/running_sums.h"
#include "receive/age_decryptor.h"
#include "receive/sealed_pack.h"
#include "receive/stream_receiver.h"
#include "scripted_server.h"
#include "seal/sealer.h"
#include "send/items.h"
#include "send/seal_plan.h"
#include "wire/limits.h"

using namespace qrx;
using namespace qrx::test;
using namespace qrx::receive;
using namespace qrx::send;

namespace {

Source source_of(const std::string& name, std::uint64_t size) {
  Source source;
  source.name = name;
  source.size = size;
  return source;
}

SourceList sources_of(std::size_t count, std::uint64_t size) {
  SourceList list;
  for (std::size_t i = 0; i < count; ++i) list.sources.push_back(source_of("f" + std::to_string(i), size));
  return list;
}

const std::shared_ptr<const seal::Identity>& receiver() {
  static const auto identity = std::make_shared<const seal::Identity>(*seal::Identity::generate());
  return identity;
}

// Its own secrets each time, as sealed by anyone who has the public key.
std::string seal_to_receiver(const std::string& plain) {
  auto sealer = seal::Sealer::create(receiver()->recipient(), seal::SealSecrets::generate());
  REQUIRE(sealer);
  auto sealed = seal_whole(std::move(*sealer), as_bytes(plain));
  REQUIRE(sealed);
  return *sealed;
}

// Twenty files of a delivery: one too large to be packed among small ones.
SourceList twenty() {
  SourceList list = sources_of(20, 10);
  list.sources[7].size = 100'000;
  return list;
}

// A delivery as a server has it, of a manifest that anyone may have written, and what a receiver makes of it.
class Shown {
 public:
  Shown(std::string manifest, std::vector<std::pair<std::string, std::string>> items, std::uint64_t max_files = 0)
      : manifest_(std::move(manifest)), items_(std::move(items)), max_files_(max_files) {
    options_.identity = receiver();
    options_.retry = {Millis(1), Millis(1), Millis(5'000)};
    delivery_.delivery = Id::random();
    add(std::string(wire::manifest_name), manifest_);
    for (const auto& [name, bytes] : items_) add(name, bytes);
  }

  Result<DeliveryContents> read() {
    ScriptedServer server({[this](Peer& peer) {
      peer.head();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(manifest_.size()) + "\r\n\r\n" + manifest_);
      peer.closed_by_client();
    }});
    address_.emplace(wire::OwnerLink{server.origin(), Id::random(), Token::random()});
    return read_contents(job(), delivery_);
  }

  ReceiveJob job() {
    ReceiveJob job{*address_, options_, interrupt_, tally_, gives_many_};
    job.seals = &seals_;
    job.max_files = max_files_;
    return job;
  }

 private:
  void add(const std::string& name, const std::string& bytes) {
    wire::FileInfo info;
    info.file = Id::random();
    info.name = name;
    info.size = bytes.size();
    info.xxh128 = sums_of(as_bytes(bytes), false).xxh128;
    info.sealed = true;
    delivery_.files.push_back(info);
  }

  const std::string manifest_;
  const std::vector<std::pair<std::string, std::string>> items_;
  const std::uint64_t max_files_;
  std::optional<api::SpaceAddress> address_;
  wire::DeliveryInfo delivery_;
  ReceiverOptions options_;
  http::Interrupt interrupt_;
  ReceiverEvents events_;
  ReceiveTally tally_{events_};
  std::atomic<bool> gives_many_{true};
  SeenSeals seals_{"", Id::random(), {}};
};

const std::string item_name = Id::random().text() + ".age";
const std::string any_tag(32, '0');

std::string manifest_text(const std::string& files) {
  return seal_to_receiver(R"({"v":1,"files":[)" + files + "]}");
}

std::string pack_text(const std::string& files, const std::string& item = item_name) {
  return R"({"item":")" + item + R"(","tag":")" + any_tag + R"(","files":[)" + files + "]}";
}

}  // namespace

TEST_CASE("few files stay items of their own, and so does what is not small") {
  const Items few = Items::packed(sources_of(16, 10));
  CHECK(few.count() == 16);
  CHECK_FALSE(few.has_packs());
  SourceList list = sources_of(20, 10);
  list.sources[0].stream = true;
  list.sources[1].size = 65'537;
  list.sources[2].size.reset();
  const Items items = Items::packed(list);
  REQUIRE(items.count() == 4);
  for (std::size_t item = 0; item < 3; ++item) CHECK_FALSE(items.is_pack(item));
  CHECK(items.sources(3).size() == 17);
  CHECK(items.first_source(3) == 3);
}

TEST_CASE("a pack holds 256 files at most, and no more than a small file may") {
  const Items many = Items::packed(sources_of(600, 0));
  REQUIRE(many.count() == 3);
  CHECK(many.sources(0).size() == 256);
  CHECK(many.sources(2).size() == 88);
  const SourceList large = sources_of(100, 60'000);
  const Items items = Items::packed(large);
  std::set<std::size_t> all;
  for (std::size_t item = 0; item < items.count(); ++item) {
    std::uint64_t bytes = 0;
    for (const std::size_t source : items.sources(item)) bytes += *large.sources[source].size;
    CHECK(seal::sealed_size(bytes) <= wire::most_small_bytes);
    all.insert(items.sources(item).begin(), items.sources(item).end());
  }
  CHECK(all.size() == 100);
  CHECK(items.count() == 25);
}

TEST_CASE("a source that changed gives its pack another name, and the others stay") {
  SourceList list = sources_of(300, 1'000);
  const Items items = Items::packed(list);
  const auto plan = [&] {
    auto made = SealPlan::make(receiver()->recipient(), seal::Key(), list, items, "");
    REQUIRE(made);
    return std::vector{made->item(0), made->item(1)};
  };
  const auto before = plan();
  ++list.sources[299].ctime_ns;
  CHECK(plan()[0] == before[0]);
  CHECK(plan()[1] != before[1]);
}

TEST_CASE("what a sender packs is what its receiver cuts out") {
  const SourceList list = twenty();
  const Items items = Items::packed(list);
  auto plan = SealPlan::make(receiver()->recipient(), seal::Key(), list, items, "hello");
  REQUIRE(plan);
  std::vector<std::pair<std::string, std::string>> sent;
  for (std::size_t item = 0; item < items.count(); ++item) {
    std::string plain;
    for (const std::size_t source : items.sources(item))
      plain += std::string(*list.sources[source].size, static_cast<char>('a' + source));
    auto sealed = seal_whole(*plan->sealer(item), as_bytes(plain));
    REQUIRE(sealed);
    sent.emplace_back(plan->item(item), *sealed);
  }
  Shown shown(plan->manifest(), sent);
  const auto contents = shown.read();
  REQUIRE(contents);
  CHECK(contents->shown.message == "hello");
  REQUIRE(contents->items.size() == 20);
  CHECK(contents->item_tags.size() == 2);
  std::set<Id> ids;
  for (std::size_t i = 0; i < 20; ++i) {
    const Item& item = contents->items[i];
    ids.insert(item.id());
    CHECK(contents->shown.files[i].size == (item.name == "f7" ? 100'000 : 10));
    if (!item.part) continue;
    const auto pack = open_pack(shown.job(), *contents, i, sent[0].second);
    REQUIRE(pack);
    CHECK(part_of(item, *pack) == std::string(10, static_cast<char>('a' + std::stoi(item.name.substr(1)))));
  }
  CHECK(ids.size() == 20);
  // A later run gives them the same.
  CHECK(shown.read()->items[3].id() == contents->items[3].id());
}

TEST_CASE("a pack that is damaged, exchanged, or of another size than its list says gives nothing") {
  const auto of_sizes = [](const std::string& sizes) {
    return pack_text(R"({"name":"a","size":)" + sizes.substr(0, 1) + R"(},{"name":"b","size":)" + sizes.substr(1) +
                     "}");
  };
  const std::string sealed = seal_to_receiver("12345");
  const auto opened = [&](const std::string& sizes, std::string bytes) {
    Shown shown(manifest_text(of_sizes(sizes)), {{item_name, sealed}});
    auto contents = shown.read();
    REQUIRE(contents);
    for (auto& item : contents->items) {
      std::string plain;
      std::optional<seal::Refusal> refusal;
      const auto whole = open_whole(*receiver(), as_bytes(sealed), false, plain, refusal);
      REQUIRE(whole);
      if (sizes != "14") item.tag = whole->tag;
    }
    return open_pack(shown.job(), *contents, 1, bytes);
  };
  CHECK(opened("23", sealed));
  CHECK(opened("05", sealed));
  for (const auto* wrong : {"22", "24", "00"}) CHECK(opened(wrong, sealed).error().kind == Kind::integrity);
  CHECK(opened("14", sealed).error().what.find("another item") != std::string::npos);  // its tag is not the manifest's
  std::string damaged = sealed;
  damaged.back() ^= 1;
  CHECK(opened("23", damaged).error().what ==
        "a and 1 file that was sealed with it: arrived damaged, twice: the checksum differs");
  CHECK(opened("23", sealed.substr(1)).error().kind == Kind::integrity);
}

TEST_CASE("manifests that lie about packs are refused") {
  const std::string sealed = seal_to_receiver("12345"), file = R"({"name":"a","size":5})";
  const auto refused = [&](const std::string& files, const std::string& item_bytes) {
    Shown shown(manifest_text(files), {{item_name, item_bytes}});
    const auto contents = shown.read();
    if (contents) return std::string();
    CHECK(contents.error().kind == Kind::integrity);
    return contents.error().what;
  };
  CHECK(refused(pack_text(file), sealed).empty());
  // More than the item can hold, by itself or together, also where a sum would wrap around.
  for (const auto* size : {"300000", "18446744073709551615"})
    CHECK_FALSE(refused(pack_text(R"({"name":"a","size":)" + std::string(size) + "}"), sealed).empty());
  CHECK_FALSE(
      refused(pack_text(R"({"name":"a","size":200},{"name":"b","size":18446744073709551615})"), sealed).empty());
  // One item named twice, in all ways.
  const std::string alone = R"({"item":")" + item_name + R"(","name":"a","tag":")" + any_tag + R"("})";
  CHECK_FALSE(refused(pack_text(file) + "," + alone, sealed).empty());
  CHECK_FALSE(refused(alone + "," + pack_text(file), sealed).empty());
  CHECK_FALSE(refused(alone + "," + alone, sealed).empty());
  // Larger than anything that is opened in memory.
  CHECK_FALSE(refused(pack_text(file), seal_to_receiver(std::string(300'000, 'x'))).empty());
  CHECK_FALSE(refused(pack_text(file, Id::random().text() + ".age"), sealed).empty());
}

TEST_CASE("what is no list of packs at all is a file that somebody sealed under that name") {
  for (const auto* files : {"", R"({"name":"a"})", R"({"name":"a","size":-1})", R"({"name":"a","size":1.5})",
                            R"({"name":"a","size":"5"})", R"({"size":5})", "5"}) {
    Shown shown(manifest_text(pack_text(files)), {{item_name, seal_to_receiver("12345")}});
    const auto contents = shown.read();
    REQUIRE(contents);
    CHECK(contents->items.size() == 2);
    CHECK(contents->manifest_tag.empty());
  }
}

TEST_CASE("packs do not go round the number of files that a receiver accepts") {
  const std::string files = R"({"name":"a","size":2},{"name":"b","size":3})";
  const std::vector<std::pair<std::string, std::string>> items{{item_name, seal_to_receiver("12345")}};
  CHECK(Shown(manifest_text(pack_text(files)), items, 2).read());
  const auto contents = Shown(manifest_text(pack_text(files)), items, 1).read();
  REQUIRE_FALSE(contents);
  CHECK(contents.error().kind == Kind::integrity);
  CHECK(contents.error().what == "a delivery of 2 files: no more than 1 are accepted");
}

TEST_CASE("what may be a pack is not written to a stream before its list is there") {
  const wire::OwnerLink link{*wire::Origin::parse("http://127.0.0.1:1"), Id::random(), Token::random()};
  const api::SpaceAddress address(link);
  ReceiverOptions options;
  options.identity = receiver();
  options.retry = {Millis(1), Millis(1), Millis(1)};
  http::Interrupt interrupt;
  ReceiverEvents events;
  ReceiveTally tally(events);
  std::atomic<bool> gives_many{true};
  ReceiveJob job{address, options, interrupt, tally, gives_many};
  SeenSeals seals("", Id::random(), {});
  job.seals = &seals;
  wire::DeliveryInfo other;
  other.delivery = Id::random();
  // Nobody listens there: what is followed is begun, and then no other delivery is chosen.
  const auto follows = [&](const std::string& name, std::optional<std::uint64_t> length) {
    StreamReceiver stream(job, -1);
    wire::UploadInfo upload;
    upload.upload = Id::random();
    upload.name = name;
    upload.length = length;
    CHECK(stream.update({upload}));
    return stream.choose({&other}) == nullptr;
  };
  CHECK_FALSE(follows(item_name, 1000));
  CHECK_FALSE(follows(item_name, wire::most_small_bytes));
  CHECK(follows(item_name, wire::most_small_bytes + 1));
  CHECK(follows(item_name, std::nullopt));
  CHECK(follows("photo.jpg.age", 1000));
}
