#include "unit/catch.h"

#include <random>
#include <vector>

#include "space/parts.h"

using qrx::space::Parts;

TEST_CASE("the bytes that were taken are summed, and those of a range compared") {
  Parts parts(100);
  CHECK(parts.sum() == 0);
  CHECK(parts.most(0, 100) == 0);
  parts.add(0, 99);
  parts.add(50, 10);
  CHECK(parts.sum() == 109);
  CHECK(parts.most(0, 100) == 2);
  CHECK(parts.most(0, 50) == 1);
  CHECK(parts.most(60, 39) == 1);
  CHECK(parts.most(99, 1) == 0);
}

TEST_CASE("a file is taken when the last gap is closed, in any order") {
  Parts parts(100);
  CHECK(parts.least() == 0);
  parts.add(50, 50);
  parts.add(0, 20);
  CHECK(parts.least() == 0);
  parts.add(20, 30);
  CHECK(parts.least() == 1);
  CHECK(parts.pieces() == 1);
  parts.add_whole();
  CHECK(parts.least() == 2);
}

TEST_CASE("what is taken twice counts once until the rest is taken twice as well") {
  Parts parts(10);
  parts.add(0, 9);
  parts.add(0, 9);
  CHECK(parts.least() == 0);
  parts.add(9, 1);
  CHECK(parts.least() == 1);
  parts.add(9, 1);
  CHECK(parts.least() == 2);
}

TEST_CASE("an empty file can be taken, and ranges beyond the end are cut") {
  Parts empty(0);
  CHECK(empty.least() == 0);
  empty.add_whole();
  CHECK(empty.least() == 1);
  Parts parts(10);
  parts.add(5, ~std::uint64_t{0});
  parts.add(20, 5);
  CHECK(parts.text() == "0:0 5:1 ");
  parts.add(0, 0);
  CHECK(parts.text() == "0:0 5:1 ");
}

TEST_CASE("parts agree with counting each byte") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t size = 1 + random() % 40;
    Parts parts(size);
    std::vector<unsigned> times(size, 0);
    for (int i = 0; i < 30; ++i) {
      const std::uint64_t first = random() % size;
      const std::uint64_t bytes = random() % (size - first + 1);
      parts.add(first, bytes);
      for (std::uint64_t at = first; at < first + bytes; ++at) ++times[at];
      REQUIRE(parts.least() == *std::min_element(times.begin(), times.end()));
      parts = Parts::parse(parts.text(), size);
    }
  }
}

TEST_CASE("what was noted too early is taken back, and never below nothing") {
  Parts parts(10);
  parts.add(0, 9);
  parts.take_back(4, 5);
  CHECK(parts.text() == "0:1 4:0 ");
  parts.take_back(0, 10);
  CHECK(parts.text() == "0:0 ");
}

TEST_CASE("a text that parts did not write means nothing taken") {
  for (const char* text : {"", "x", "0:1", "0:1 5:", "5:1 ", "0:1 0:2 ", "0:1 10:2 ", "0:-1 ", "0 :1 "})
    CHECK(Parts::parse(text, 10).least() == 0);
  CHECK(Parts::parse("0:3 ", 10).least() == 3);
}

TEST_CASE("flat parts keep what is whole") {
  Parts parts(10);
  parts.add_whole();
  parts.add(3, 2);
  parts.flatten();
  CHECK(parts.text() == "0:1 ");
}
