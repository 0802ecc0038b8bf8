// What a run remembers of a space for later ones: what is finished, and what its senders were not told.
#include "receive/saved_record.h"

#include <fstream>

#include "receive/sender_news.h"
#include "temp_directory.h"
#include "unit/catch.h"

using namespace qrx;
using namespace qrx::receive;
using namespace qrx::test;
using wire::ReceiptState;

namespace {

struct Record {
  TempDirectory directory;
  Guid guid = Id::random();
  SavedRecord open() const { return SavedRecord{directory / "recv", guid}; }
};

}  // namespace

TEST_CASE("a file is finished when it has its name, whatever that is") {
  for (const std::string name : {"done", "finished", "told", "discarded", "a b", "photo.jpg"}) {
    const Record at;
    const Id file = Id::random(), delivery = Id::random();
    at.open().add(file, {name, 5, Xxh128Sum{}, delivery});
    CHECK_FALSE(at.open().is_done(file));
    CHECK(at.open().finished().deliveries.empty());
    const auto earlier = at.open().find(file, delivery);
    REQUIRE(earlier);
    CHECK(earlier->name == name);
    CHECK(earlier->size == 5);
    at.open().finish({delivery, {file}, {}, true});
    CHECK(at.open().is_done(file));
    CHECK(at.open().finished().deliveries == std::set{delivery});
  }
}

TEST_CASE("files that were about to get their names are known to the next run, until they have them") {
  const Record at;
  const Id first = Id::random(), second = Id::random(), delivery = Id::random();
  {
    SavedRecord record = at.open();
    record.add(first, {"a", 5, Xxh128Sum{}, delivery});
    record.add(second, {"b", 6, Xxh128Sum{}, delivery});
    CHECK(record.unnamed().empty());  // those of this run are its own business
  }
  const auto left = at.open().unnamed();
  REQUIRE(left.size() == 2);
  CHECK(left.at(second).name == "b");
  at.open().finish({delivery, {first}, {}, false});
  CHECK(at.open().unnamed().size() == 1);
  CHECK(at.open().unnamed().contains(second));
}

TEST_CASE("a line that was cut short marks nothing") {
  const Record at;
  const Id file = Id::random(), delivery = Id::random();
  at.open().finish({delivery, {}, {file}, false});
  const std::string path = at.directory / ("recv/" + at.guid.text() + ".saved");
  for (const std::string cut : {" done", " done ", " done 5", " finished", " told 77"}) {
    std::ofstream(path, std::ios::trunc) << file.text() << cut;
    CHECK_FALSE(at.open().is_done(file));
    CHECK(at.open().finished().deliveries.empty());
    CHECK(at.open().untold().empty());
  }
}

TEST_CASE("what is no longer on the server is forgotten, and only that") {
  const Record at;
  const Id gone = Id::random(), stays = Id::random(), file = Id::random(), gone_file = Id::random();
  {
    SavedRecord record = at.open();
    record.add(gone_file, {"gone", 5, Xxh128Sum{}, gone});
    record.finish({gone, {gone_file}, {}, true});
    record.add(file, {"stays told", 5, Xxh128Sum{}, stays});
    record.finish({stays, {file}, {}, true});
    CHECK_FALSE(record.is_settled(gone));
    record.told(gone);
    record.told(stays);
    CHECK(record.is_settled(gone));
    CHECK_FALSE(record.is_settled(file));
    record.keep_only({stays});
    CHECK_FALSE(record.is_settled(gone));
    CHECK(record.is_settled(stays));
    record.finish({gone, {}, {}, true});  // what comes then is remembered as before
  }
  SavedRecord record = at.open();
  CHECK(record.find(file, stays)->name == "stays told");
  CHECK_FALSE(record.find(gone_file, gone));
  CHECK(record.is_settled(stays));
  CHECK(record.untold().size() == 1);
  record.keep_only({});
  CHECK(at.open().finished().deliveries.empty());
  CHECK(at.open().untold().empty());
}

TEST_CASE("what was done and not told is told by a later run, once, and as what it was") {
  const Record at;
  const Id delivery = Id::random(), text = Id::random();
  const Id a = Id::random(), b = Id::random(), c = Id::random();
  at.open().finish({delivery, {a}, {}, false});
  at.open().finish({delivery, {b}, {c}, true});
  at.open().finish({text, {}, {}, true, true});
  auto untold = at.open().untold();
  REQUIRE(untold.size() == 2);
  if (untold[0].delivery == text) std::swap(untold[0], untold[1]);
  auto receipts = receipts_of(untold[0]);
  REQUIRE(receipts.size() == 2);
  CHECK(receipts[0].state == ReceiptState::declined);
  CHECK(receipts[0].files == std::vector{c});
  CHECK(receipts[1].state == ReceiptState::saved);
  CHECK(receipts[1].files.empty());
  receipts = receipts_of(untold[1]);
  REQUIRE(receipts.size() == 1);
  CHECK(receipts[0].state == ReceiptState::declined);
  at.open().told(delivery);
  untold = at.open().untold();
  REQUIRE(untold.size() == 1);
  CHECK(untold[0].delivery == text);
  CHECK(at.open().finished().deliveries.size() == 2);
}

TEST_CASE("of a delivery that goes on only what is decided is told") {
  const Id delivery = Id::random(), a = Id::random(), b = Id::random();
  const auto receipts = receipts_of({delivery, {a}, {b}, false});
  REQUIRE(receipts.size() == 2);
  CHECK(receipts[0].files == std::vector{b});
  CHECK(receipts[1].files == std::vector{a});
  CHECK(receipts_of({delivery, {}, {}, false}).empty());
  CHECK(receipts_of({delivery, {}, {a, b}, true}).at(0).files.empty());
}

TEST_CASE("a pack is told as saved once, and not while some of it is still wanted") {
  SavedDelivery delivery;
  delivery.info.delivery = Id::random();
  const Id whole = Id::random(), in_part = Id::random(), alone = Id::random();
  for (const Id& id : {whole, whole, in_part, in_part, alone}) {
    SavedFile file;
    file.info.file = id;
    delivery.info.files.push_back(file.info);
    delivery.files.push_back(file);
  }
  CHECK(untold_of(delivery).saved == std::vector{whole, in_part, alone});
  CHECK(untold_of(delivery).whole);
  delivery.later = 1;
  delivery.unfinished = {in_part};
  CHECK(untold_of(delivery).saved == std::vector{whole, alone});
  CHECK_FALSE(untold_of(delivery).whole);
}
