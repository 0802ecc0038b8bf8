// What bodies that are kept whole may hold of the memory.
#include "serve/body_memory.h"

#include <memory>
#include <string>
#include <vector>

#include "unit/catch.h"
#include "wire/limits.h"

using namespace qrx;
using serve::BodyMemory;

namespace {

// How many bodies of so many bytes this address can hold at once.
std::size_t bodies_of(BodyMemory& memory, const std::string& peer, std::size_t bytes) {
  std::vector<std::unique_ptr<BodyMemory::Hold>> held;
  for (;;) {
    held.push_back(std::make_unique<BodyMemory::Hold>(memory, peer));
    if (!held.back()->keep(bytes)) return held.size() - 1;
    REQUIRE(held.size() < 100'000);
  }
}

}  // namespace

TEST_CASE("one address holds its share of the memory for bodies, and gives it back") {
  BodyMemory memory;
  const std::size_t small = wire::most_small_bytes;
  const std::size_t count = bodies_of(memory, "192.0.2.1", small);
  CHECK(count >= BodyMemory::most_of_one / small);
  CHECK(count * (small - BodyMemory::free_bytes) <= BodyMemory::most_of_one);
  CHECK(bodies_of(memory, "192.0.2.1", small) == count);
  std::vector<std::unique_ptr<BodyMemory::Hold>> one;
  for (std::size_t i = 0; i < count; ++i) {
    one.push_back(std::make_unique<BodyMemory::Hold>(memory, "192.0.2.1"));
    REQUIRE(one.back()->keep(small));
  }
  BodyMemory::Hold more(memory, "192.0.2.1");
  CHECK(more.keep(small).error().kind == Kind::unavailable);
  CHECK(more.keep(BodyMemory::free_bytes));  // what everybody asks for
  BodyMemory::Hold other(memory, "192.0.2.2");
  CHECK(other.keep(small));
  CHECK(other.keep(small));  // the same bytes
  one.pop_back();
  CHECK(more.keep(small));
}

TEST_CASE("all addresses together hold no more memory for bodies than there is") {
  BodyMemory memory;
  const std::size_t large = wire::most_shares_request_bytes;
  std::vector<std::unique_ptr<BodyMemory::Hold>> held;
  std::size_t count = 0;
  for (int peer = 0; peer < 50; ++peer)
    for (int i = 0; i < 4; ++i) {
      held.push_back(std::make_unique<BodyMemory::Hold>(memory, "192.0.2." + std::to_string(peer)));
      count += held.back()->keep(large) ? 1 : 0;
    }
  CHECK(count * (large - BodyMemory::free_bytes) <= BodyMemory::most_bytes);
  CHECK(count >= 16);
  held.clear();
  CHECK(bodies_of(memory, "", large) == count);  // without an address there is only the bound of all
}
