// What a receiver says became of a delivery, and what its sender learns of that.
#include "unit/catch.h"

#include "unit/space_world.h"

using namespace qrx;
using namespace qrx::test;
using wire::ReceiptCounts;
using wire::ReceiptState;

namespace {

// A space with one committed delivery.
struct Delivered {
  explicit Delivered(std::vector<std::string> names, const std::string& message = {}) {
    space = world.create();
    const auto row = world.spaces->open_delivery(guid(), {message});
    REQUIRE(row);
    delivery = row->delivery;
    for (const auto& name : names) {
      const auto file = world.spaces->put_small(guid(), delivery, name, as_bytes(name));
      REQUIRE(file);
      files[name] = file->file;
    }
    REQUIRE(world.spaces->delivery_seq(guid(), delivery) == 0);
    REQUIRE(world.spaces->commit(guid(), delivery, {names.size()}));
  }
  const Guid& guid() const { return space.space.guid; }
  Result<void> say(ReceiptState state, const std::vector<Id>& of = {}) {
    return world.spaces->record_receipt(guid(), space.token.text(), delivery, {state, of});
  }
  wire::DeliveryStatus seen(bool unsaved = false) {
    auto state = world.spaces->status(guid(), delivery, unsaved);
    REQUIRE(state);
    REQUIRE(state->receipt);
    CHECK(world.spaces->delivery_seq(guid(), delivery) == state->seq);
    return *state;
  }

  World world;
  space::Created space;
  Id delivery;
  std::map<std::string, Id> files;
};

}  // namespace

TEST_CASE("a sender sees what became of each file, and that nothing was said before") {
  Delivered d({"a", "b", "c"});
  CHECK(d.seen().seq == 1);
  CHECK(d.seen().receipt == ReceiptCounts{.missing = 3});
  const auto before = d.world.events.of_delivery(d.delivery);
  CHECK(before > 0);  // of the commit
  REQUIRE(d.say(ReceiptState::declined, {d.files["b"]}));
  CHECK(d.seen().receipt == ReceiptCounts{.declined = 1, .missing = 2});
  CHECK(d.world.events.of_delivery(d.delivery) == before + 1);
  REQUIRE(d.say(ReceiptState::saved));
  const auto all = d.seen();
  CHECK(all.receipt == ReceiptCounts{.saved = 2, .declined = 1});
  CHECK(all.seq == 3);
  REQUIRE(all.files.size() == 3);
  for (const auto& file : all.files)
    CHECK(file.receipt == (file.file.name == "b" ? ReceiptState::declined : ReceiptState::saved));
  const auto unsaved = d.seen(true);
  REQUIRE(unsaved.files.size() == 1);
  CHECK(unsaved.files[0].file.name == "b");
  // Again is no change.
  REQUIRE(d.say(ReceiptState::saved));
  REQUIRE(d.say(ReceiptState::saved, {d.files["a"]}));
  CHECK(d.seen().seq == 3);
}

TEST_CASE("what was saved once stays saved; what was kept or declined may still be saved") {
  Delivered d({"a", "b"});
  REQUIRE(d.say(ReceiptState::kept));
  CHECK(d.seen().receipt == ReceiptCounts{.kept = 2});
  REQUIRE(d.say(ReceiptState::saved, {d.files["a"]}));
  REQUIRE(d.say(ReceiptState::declined));
  CHECK(d.seen().receipt == ReceiptCounts{.saved = 1, .declined = 1});
  REQUIRE(d.say(ReceiptState::kept, {d.files["a"], d.files["b"]}));
  CHECK(d.seen().receipt == ReceiptCounts{.saved = 1, .declined = 1});
  REQUIRE(d.say(ReceiptState::saved, {d.files["b"]}));
  CHECK(d.seen().receipt == ReceiptCounts{.saved = 2});

  Delivered named({"a", "b"});
  REQUIRE(named.say(ReceiptState::kept, {named.files["a"]}));
  REQUIRE(named.say(ReceiptState::saved));
  CHECK(named.seen().receipt == ReceiptCounts{.saved = 2});
}

TEST_CASE("a text counts as one, the manifest of a sealed delivery as none") {
  Delivered text({}, "see you at 8");
  CHECK(text.seen().receipt == ReceiptCounts{.missing = 1});
  REQUIRE(text.say(ReceiptState::saved));
  CHECK(text.seen().receipt == ReceiptCounts{.saved = 1});

  Delivered sealed({"x.age", std::string(wire::manifest_name)});
  CHECK(sealed.seen().receipt == ReceiptCounts{.missing = 1});
  REQUIRE(sealed.say(ReceiptState::saved, {sealed.files["x.age"], sealed.files[std::string(wire::manifest_name)]}));
  CHECK(sealed.seen().receipt == ReceiptCounts{.saved = 1});
}

TEST_CASE("only the owner says it, of committed deliveries and their own files") {
  Delivered d({"a"});
  const auto other = d.world.send(d.guid(), "other", "x");
  REQUIRE(other);
  auto& spaces = *d.world.spaces;
  CHECK(kind_of(spaces.record_receipt(d.guid(), Token::random().text(), d.delivery, {})) == Kind::not_found);
  CHECK(kind_of(spaces.record_receipt(d.guid(), d.space.token.text(), Id::random(), {})) == Kind::not_found);
  CHECK(kind_of(d.say(ReceiptState::saved, {other->file})) == Kind::usage);
  CHECK(kind_of(d.say(ReceiptState::saved, {d.files["a"], Id::random()})) == Kind::usage);
  const auto open = spaces.open_delivery(d.guid(), {});
  REQUIRE(open);
  CHECK(kind_of(spaces.record_receipt(d.guid(), d.space.token.text(), open->delivery, {})) == Kind::not_found);
  CHECK(d.seen().receipt == ReceiptCounts{.missing = 1});
}

TEST_CASE("receipts outlive a restart, and their space for a day") {
  Delivered d({"a", "b"});
  REQUIRE(d.say(ReceiptState::saved));
  d.world.restart();
  CHECK(d.seen().receipt == ReceiptCounts{.saved = 2});
  const auto before = d.world.events.of_delivery(d.delivery);
  REQUIRE(d.world.spaces->remove(d.guid(), d.space.token.text()));
  CHECK(d.world.events.of_delivery(d.delivery) > before);
  const auto gone = d.seen();
  CHECK(gone.committed);
  CHECK(gone.files.empty());
  CHECK(gone.receipt == ReceiptCounts{.saved = 2});
  CHECK(kind_of(d.world.spaces->status(Id::random(), d.delivery)) == Kind::not_found);
  REQUIRE(d.world.spaces->sweep());
  CHECK(d.seen().receipt == ReceiptCounts{.saved = 2});
  for (int half_hours = 0; half_hours < 49; ++half_hours) {
    d.world.clock.pass(Seconds(1800));
    REQUIRE(d.world.spaces->sweep());
  }
  CHECK(kind_of(d.world.spaces->status(d.guid(), d.delivery)) == Kind::not_found);
  CHECK_FALSE(d.world.spaces->delivery_seq(d.guid(), d.delivery));

  // Nothing was said of this one: gone is gone.
  Delivered silent({"a"});
  REQUIRE(silent.world.spaces->remove(silent.guid(), silent.space.token.text()));
  CHECK(kind_of(silent.world.spaces->status(silent.guid(), silent.delivery)) == Kind::not_found);
}
