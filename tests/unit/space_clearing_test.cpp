// The contents of deliveries that their receiver has: they go, and what their senders may still ask does not.
#include "unit/catch.h"

#include "unit/space_sharing.h"

using namespace qrx;
using namespace qrx::test;
using wire::ReceiptCounts;
using wire::ReceiptState;

namespace {

struct Inbox : Sharing {
  explicit Inbox(const wire::CreateSpace& wish = {}) { created = world.create(wish); }

  Id deliver(const std::vector<std::string>& names, const std::string& message = {}) {
    const auto row = world.spaces->open_delivery(guid(), {message});
    REQUIRE(row);
    for (const auto& name : names)
      REQUIRE(world.spaces->put_small(guid(), row->delivery, name, as_bytes(std::string(100, 'x'))));
    REQUIRE(world.spaces->commit(guid(), row->delivery, {names.size()}));
    return row->delivery;
  }
  Result<void> say(const Id& delivery, ReceiptState state, const std::vector<Id>& files = {}) {
    return world.spaces->record_receipt(guid(), token(), delivery, {state, files});
  }
  Result<void> clear(const Id& delivery) { return world.spaces->clear_delivery(guid(), token(), delivery); }
  void save_and_clear(const Id& delivery) {
    REQUIRE(say(delivery, ReceiptState::saved));
    REQUIRE(clear(delivery));
  }
  wire::DeliveryStatus status(const Id& delivery, bool unsaved = false) {
    auto status = world.spaces->status(guid(), delivery, unsaved);
    REQUIRE(status);
    REQUIRE(status->receipt);
    return *status;
  }
};

}  // namespace

TEST_CASE("what was saved goes when its receiver says so; what its sender may ask stays") {
  Inbox inbox(expiring_in(std::chrono::hours(72)));
  const auto delivery = inbox.deliver({"a", "b"});
  const auto upload = inbox.file("c", 300);
  const auto stays = inbox.deliver({"d"});
  const auto files = inbox.world.view(inbox.created).deliveries[0].files;
  inbox.save_and_clear(delivery);
  inbox.save_and_clear(upload.delivery);
  const auto changes = inbox.world.events.of_space(inbox.guid());
  CHECK(inbox.clear(delivery));  // again
  CHECK(inbox.world.events.of_space(inbox.guid()) == changes);

  for (const bool restarted : {false, true}) {
    if (restarted) inbox.restart();
    const auto seen = inbox.world.view(inbox.created);
    REQUIRE(seen.deliveries.size() == 1);
    CHECK(seen.deliveries[0].delivery == stays);
    CHECK(kind_of(inbox.world.spaces->content(inbox.guid(), inbox.token(), files[0].file)) == Kind::not_found);
    CHECK(inbox.world.files_in("blobs") == 1);
    CHECK(inbox.status(delivery).receipt == ReceiptCounts{.saved = 2});
    CHECK(inbox.world.spaces->delivery_seq(inbox.guid(), delivery) == 2);
    // Whose last answer was lost does not send again.
    for (const auto& state : {inbox.world.spaces->commit(inbox.guid(), delivery, {2}),
                              inbox.world.spaces->delivery(inbox.guid(), delivery)}) {
      REQUIRE(state);
      CHECK(state->committed);
      REQUIRE(state->files.size() == 2);
      CHECK(state->files[1].name == "b");
      CHECK(state->files[1].size == 100);
      CHECK(state->files[1].xxh128 == files[1].xxh128);
    }
    const auto standing = inbox.world.spaces->upload(inbox.guid(), upload.file);
    REQUIRE(standing);
    CHECK(standing->offset == 300);
    CHECK(standing->length == 300U);
    CHECK(kind_of(inbox.world.spaces->remove_upload(inbox.guid(), upload.file)) == Kind::denied);
    CHECK(kind_of(inbox.world.spaces->cancel(inbox.guid(), delivery)) == Kind::conflict);
  }
  // For a day.
  inbox.world.clock.pass(std::chrono::hours(25));
  REQUIRE(inbox.world.spaces->sweep());
  CHECK(kind_of(inbox.world.spaces->status(inbox.guid(), delivery)) == Kind::not_found);
  CHECK(kind_of(inbox.world.spaces->upload(inbox.guid(), upload.file)) == Kind::not_found);
  CHECK(inbox.world.catalog->past_files(delivery)->empty());
  CHECK(inbox.world.spaces->status(inbox.guid(), stays));
}

TEST_CASE("nothing goes of which its receiver has not said that it is saved or declined") {
  Inbox inbox;
  const auto delivery = inbox.deliver({"a", "b"});
  CHECK(kind_of(inbox.clear(delivery)) == Kind::conflict);
  const auto files = inbox.world.view(inbox.created).deliveries[0].files;
  REQUIRE(inbox.say(delivery, ReceiptState::saved, {files[0].file}));
  CHECK(kind_of(inbox.clear(delivery)) == Kind::conflict);
  REQUIRE(inbox.say(delivery, ReceiptState::kept));
  CHECK(kind_of(inbox.clear(delivery)) == Kind::conflict);
  REQUIRE(inbox.say(delivery, ReceiptState::declined, {files[1].file}));
  REQUIRE(inbox.clear(delivery));
  const auto unsaved = inbox.status(delivery, true);
  CHECK(unsaved.receipt == ReceiptCounts{.saved = 1, .declined = 1});
  REQUIRE(unsaved.files.size() == 1);
  CHECK(unsaved.files[0].file.name == "b");
}

TEST_CASE("only the owner clears, and only what was committed") {
  Inbox inbox;
  const auto delivery = inbox.deliver({"a"});
  REQUIRE(inbox.say(delivery, ReceiptState::saved));
  const std::string other(inbox.token().size(), 'a');
  CHECK(kind_of(inbox.world.spaces->clear_delivery(inbox.guid(), other, delivery)) == Kind::not_found);
  CHECK(kind_of(inbox.clear(Id::random())) == Kind::not_found);
  const auto open = inbox.world.spaces->open_delivery(inbox.guid(), {});
  CHECK(kind_of(inbox.clear(open->delivery)) == Kind::conflict);
  const auto elsewhere = inbox.world.create();
  CHECK(kind_of(inbox.world.spaces->clear_delivery(elsewhere.space.guid, elsewhere.token.text(), delivery)) ==
        Kind::not_found);
  CHECK(inbox.clear(delivery));
  CHECK(kind_of(inbox.world.spaces->clear_delivery(elsewhere.space.guid, elsewhere.token.text(), delivery)) ==
        Kind::not_found);
}

TEST_CASE("there is room again for what was cleared") {
  Inbox inbox(with_limits(250, 2));
  for (int round = 0; round < 5; ++round) {
    const auto files = inbox.deliver({"a", "b"});
    CHECK(kind_of(inbox.world.send(inbox.guid(), "c", "x")) == Kind::too_large);
    inbox.save_and_clear(files);
    if (round == 2) inbox.restart();
    CHECK(inbox.world.spaces->drop(inbox.guid())->limits.max_size == 250);
    CHECK(inbox.world.spaces->drop(inbox.guid())->limits.max_files == 2);
    // Texts count as manifests do.
    const std::vector<Id> texts{inbox.deliver({}, "one"), inbox.deliver({}, "two")};
    CHECK(kind_of(inbox.world.spaces->commit(
              inbox.guid(), inbox.world.spaces->open_delivery(inbox.guid(), {"three"})->delivery, {0})) ==
          Kind::too_large);
    for (const auto& text : texts) {
      inbox.save_and_clear(text);
      CHECK(inbox.status(text).receipt == ReceiptCounts{.saved = 1});
      CHECK(inbox.world.spaces->commit(inbox.guid(), text, {0})->committed);
    }
  }
  CHECK(inbox.world.catalog->totals()->bytes == 0);
}

TEST_CASE("what a link shares stays, until the link ends") {
  Inbox inbox;
  const auto first = inbox.deliver({"a", "b", "c"});
  const auto second = inbox.file("d", 10);
  REQUIRE(inbox.say(first, ReceiptState::saved));
  const auto link = inbox.one(to({"link:a"}));
  REQUIRE(inbox.take(link, second));  // of four
  CHECK(kind_of(inbox.clear(first)) == Kind::conflict);
  REQUIRE(inbox.shares->revoke(inbox.guid(), inbox.token(), link.share));
  auto short_lived = to({"link:b"});
  short_lived.expire = Seconds(60);
  (void)inbox.one(short_lived);
  CHECK(kind_of(inbox.clear(first)) == Kind::conflict);
  inbox.world.clock.pass(Seconds(61));
  REQUIRE(inbox.clear(first));
  // The next link is for what is there, and that alone.
  const auto next = inbox.one(to({"link:c"}, 1));
  CHECK(inbox.shares->open(next.token)->files.size() == 1);
  REQUIRE(inbox.take(next, second));
  CHECK(inbox.now(next).state == wire::ShareState::downloaded);
  CHECK(kind_of(inbox.shares->open(next.token)) == Kind::gone);
}

TEST_CASE("of many files that were cleared the oldest deliveries are forgotten first") {
  Inbox inbox;
  inbox.world.policy.relaxed = true;
  inbox.restart();
  const auto old = inbox.deliver({"a", "b"});
  inbox.save_and_clear(old);
  const auto text = inbox.deliver({}, "text");
  inbox.save_and_clear(text);
  std::vector<std::string> names;
  for (unsigned i = 0; i < space::most_past_files - 1; ++i) names.push_back("n" + std::to_string(i));
  const auto many = inbox.deliver(names);
  inbox.save_and_clear(many);
  CHECK(kind_of(inbox.world.spaces->status(inbox.guid(), old)) == Kind::not_found);  // as a whole, not one file of two
  CHECK(inbox.status(text).receipt == ReceiptCounts{.saved = 1});
  CHECK(inbox.status(many).files.size() == names.size());
}

TEST_CASE("who reads a file while it is cleared reads it to its end") {
  Inbox inbox;
  const auto row = inbox.file("a", 1000);
  const auto content = inbox.world.spaces->content(inbox.guid(), inbox.token(), row.file);
  REQUIRE(content);
  inbox.save_and_clear(row.delivery);
  std::string bytes(1000, '\0');
  CHECK((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))) == 1000U);
  CHECK(bytes == std::string(1000, 'x'));
  CHECK(inbox.world.files_in("blobs") == 0);
}
