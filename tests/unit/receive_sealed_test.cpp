// How a delivery is sealed and opened again: secrets and names from one seed, resuming, and every way a byte can be
// wrong.
#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "receive/age_decryptor.h"
#include "receive/item_names.h"
#include "seal/item.h"
#include "seal/pipeline.h"
#include "send/seal_plan.h"
#include "unit/catch.h"
#include "wire/messages.h"

using namespace qrx;
using namespace qrx::receive;
using namespace qrx::send;

namespace {

std::string noise(std::size_t size, unsigned seed = 1) {
  std::string out(size, '\0');
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
  for (char& c : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return out;
}

const seal::Identity& receiver() {
  static const auto identity = seal::Identity::generate();
  REQUIRE(identity);
  return *identity;
}

seal::Key seed_of(unsigned number) {
  seal::Key key;
  const std::string bytes = noise(seal::Key::size, number);
  std::copy(bytes.begin(), bytes.end(), key.data());
  return key;
}

Source source_of(const std::string& name, std::uint64_t size) {
  Source source;
  source.name = name;
  source.size = size;
  source.mtime_ns = 1'000;
  source.ctime_ns = 2'000;
  source.device = 3;
  source.inode = 4;
  return source;
}

SealPlan plan_of(const SourceList& sources, unsigned seed = 1, const std::string& message = "") {
  auto plan = SealPlan::make(receiver().recipient(), seed_of(seed), sources, Items(sources.sources.size()), message);
  REQUIRE(plan);
  return std::move(*plan);
}

std::string sealed(const SealPlan& plan, std::size_t index, const std::string& plain) {
  auto sealer = plan.sealer(index);
  REQUIRE(sealer);
  auto out = seal_whole(std::move(*sealer), as_bytes(plain));
  REQUIRE(out);
  return *out;
}

wire::Manifest manifest_of(const SealPlan& plan) {
  std::string text;
  std::optional<seal::Refusal> refusal;
  REQUIRE(open_whole(receiver(), as_bytes(plan.manifest()), false, text, refusal));
  const auto manifest = wire::from_json<wire::Manifest>(text);
  REQUIRE(manifest);
  return *manifest;
}

}  // namespace

TEST_CASE("a plan made again from the same seed and sources seals the same bytes") {
  SourceList sources;
  sources.sources = {source_of("one.txt", 100), source_of("deep/two.txt", 70'000)};
  const auto first = plan_of(sources, 1, "hello");
  const auto second = plan_of(sources, 1, "hello");
  const std::string plain = noise(70'000);
  CHECK(first.item(0) == second.item(0));
  CHECK(first.manifest() == second.manifest());
  CHECK(sealed(first, 1, plain) == sealed(second, 1, plain));
}

TEST_CASE("a source that changed in any figure, and another seed, give another name and other secrets") {
  SourceList sources;
  sources.sources = {source_of("one.txt", 100)};
  const std::string plain = noise(100);
  const auto before = plan_of(sources);
  const std::string bytes = sealed(before, 0, plain);
  const auto differs = [&](const SealPlan& plan) {
    CHECK(plan.item(0) != before.item(0));
    // Not one block of the old key stream may come again over other bytes.
    CHECK(sealed(plan, 0, plain).substr(seal::sealed_size(0) - 16) != bytes.substr(seal::sealed_size(0) - 16));
  };
  differs(plan_of(sources, 2));
  SECTION("name") {
    sources.sources[0].name = "one.tx";
  }
  SECTION("size") {
    sources.sources[0].size = 101;
  }
  SECTION("modification time") {
    ++sources.sources[0].mtime_ns;
  }
  SECTION("change time") {
    ++sources.sources[0].ctime_ns;
  }
  SECTION("inode") {
    ++sources.sources[0].inode;
  }
  differs(plan_of(sources));
}

TEST_CASE("of thousands of sources, planned by several threads, each has what it has alone") {
  SourceList many;
  for (std::size_t i = 0; i < 4'321; ++i) many.sources.push_back(source_of("file" + std::to_string(i), i));
  const auto plan = plan_of(many);
  const auto manifest = manifest_of(plan);
  REQUIRE(manifest.files.size() == many.sources.size());
  for (std::size_t i = 0; i < many.sources.size(); ++i) {
    CHECK(manifest.files[i].item == plan.item(i));
    CHECK(manifest.files[i].name == many.sources[i].name);
  }
  for (const std::size_t i : {0, 1, 999, 2'500, 4'320}) {
    SourceList alone;
    alone.sources = {many.sources[i]};
    const auto of_one = plan_of(alone);
    CHECK(of_one.item(0) == plan.item(i));
    CHECK(manifest_of(of_one).files[0].tag == manifest.files[i].tag);
    CHECK(sealed(of_one, 0, "x") == sealed(plan, i, "x"));
  }
}

TEST_CASE("sealed as a whole and sealed as it is read, a file has the same bytes") {
  SourceList sources;
  for (const std::size_t size : {0, 1, 4'096, 65'535, 65'536, 65'537, 131'072, 200'000}) {
    sources.sources = {source_of("file", size)};
    const auto plan = plan_of(sources);
    const std::string plain = noise(size);
    auto sealer = plan.sealer(0);
    REQUIRE(sealer);
    const auto source = [&plain](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
      const auto got = std::min<std::size_t>(space.size(), plain.size() - static_cast<std::size_t>(offset));
      std::memcpy(space.data(), plain.data() + offset, got);
      return got;
    };
    seal::SealedReader reader(std::move(*sealer), source, size);
    std::string read(static_cast<std::size_t>(*reader.sealed_size()), '\0');
    for (std::size_t at = 0; at < read.size();) {
      const auto got = reader.read(std::as_writable_bytes(std::span(read)).subspan(at));
      REQUIRE(got);
      at += *got;
    }
    CHECK(read == sealed(plan, 0, plain));
  }
}

TEST_CASE("the manifest names each item with a tag that only its opener can know") {
  SourceList sources;
  sources.sources = {source_of("a", 10), source_of("b/c", 20)};
  const auto plan = plan_of(sources, 1, "two files");
  const auto manifest = manifest_of(plan);
  CHECK(manifest.message == "two files");
  REQUIRE(manifest.files.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(manifest.files[i].item == plan.item(i));
    CHECK(is_item_name(plan.item(i)));
    CHECK(manifest.files[i].name == sources.sources[i].name);
    std::string plain;
    std::optional<seal::Refusal> refusal;
    const auto opened = open_whole(receiver(), as_bytes(sealed(plan, i, "x")), false, plain, refusal);
    REQUIRE(opened);
    CHECK(opened->tag == manifest.files[i].tag);
  }
  CHECK(manifest.files[0].tag != manifest.files[1].tag);
}

TEST_CASE("what is sealed opens to the same bytes, in pieces of any size") {
  SourceList sources;
  const auto plan_for = [&](std::uint64_t size) {
    sources.sources = {source_of("file", size)};
    return plan_of(sources);
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65535}, std::size_t{65536},
                                 std::size_t{65537}, std::size_t{200'000}}) {
    const auto plan = plan_for(size);
    const std::string plain = noise(size), bytes = sealed(plan, 0, plain);
    CHECK(seal::plain_part(bytes.size()) == size);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{63}, std::size_t{65552}, bytes.size()}) {
      if (piece == 1 && size > 1) continue;
      std::string out;
      AgeDecryptor decryptor(
          receiver(),
          [&out](ByteView part) -> Result<void> {
            out += as_text(part);
            return {};
          },
          true);
      for (std::size_t at = 0; at < bytes.size(); at += piece)
        REQUIRE(decryptor.push(as_bytes(std::string_view(bytes).substr(at, piece))));
      const auto opened = decryptor.finish();
      REQUIRE(opened);
      CHECK(out == plain);
      CHECK(opened->size == size);
      CHECK(opened->sums.sha256 == sha256(as_bytes(plain)));
      Xxh128 wire_sum;
      wire_sum.update(as_bytes(bytes));
      CHECK(opened->wire_sum == wire_sum.sum());
    }
  }
}

TEST_CASE("a sealed file that ends early, or has a wrong bit, is refused and releases only whole verified chunks") {
  SourceList sources;
  sources.sources = {source_of("file", 150'000)};
  const auto plan = plan_of(sources);
  const std::string plain = noise(150'000), bytes = sealed(plan, 0, plain);
  const auto opens = [&](const std::string& given) {
    std::string out;
    AgeDecryptor decryptor(
        receiver(),
        [&out](ByteView part) -> Result<void> {
          out += as_text(part);
          return {};
        },
        false);
    auto pushed = decryptor.push(as_bytes(given));
    const bool whole = pushed && decryptor.finish();
    CHECK(out.size() % seal::chunk_size == 0);
    CHECK(plain.starts_with(out));
    CHECK((whole || decryptor.refusal().has_value()));
    return whole;
  };
  const std::size_t front = seal::sealed_size(0) - seal::tag_size;
  for (const std::size_t size : {front - 1, front, front + 1, front + 65552, front + 2 * 65552, bytes.size() - 1})
    CHECK_FALSE(opens(bytes.substr(0, size)));
  for (const std::size_t at : {std::size_t{30}, front - 1, front, front + 65551, front + 65552, bytes.size() - 1}) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    CHECK_FALSE(opens(flipped));
  }
  CHECK_FALSE(opens(bytes + "x"));
}

TEST_CASE("opening goes on where an earlier run stopped, and its sums are those of the whole") {
  SourceList sources;
  sources.sources = {source_of("file", 300'000)};
  const auto plan = plan_of(sources);
  const std::string plain = noise(300'000), bytes = sealed(plan, 0, plain);
  for (const std::uint64_t chunks : {1U, 2U, 4U}) {
    std::string out;
    AgeDecryptor decryptor(
        receiver(),
        [&out](ByteView part) -> Result<void> {
          out += as_text(part);
          return {};
        },
        true);
    const auto kept = [&plain](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
      const auto size = std::min<std::size_t>(space.size(), 1000);  // short reads are allowed
      std::memcpy(space.data(), plain.data() + offset, size);
      return size;
    };
    const auto taken_up = decryptor.resume(as_bytes(std::string_view(bytes).substr(0, 1000)), chunks, kept);
    REQUIRE((taken_up && *taken_up));
    REQUIRE(decryptor.push(as_bytes(std::string_view(bytes).substr(decryptor.taken()))));
    const auto opened = decryptor.finish();
    REQUIRE(opened);
    CHECK(out == plain.substr(chunks * seal::chunk_size));
    CHECK(opened->size == plain.size());
    CHECK(opened->sums.sha256 == sha256(as_bytes(plain)));
    Xxh128 wire_sum;
    wire_sum.update(as_bytes(bytes));
    CHECK(opened->wire_sum == wire_sum.sum());
  }
}

TEST_CASE("a partial that was changed on disk shows in the sum of the sealed bytes") {
  SourceList sources;
  sources.sources = {source_of("file", 200'000)};
  const auto plan = plan_of(sources);
  const std::string plain = noise(200'000), bytes = sealed(plan, 0, plain);
  AgeDecryptor decryptor(
      receiver(), [](ByteView) -> Result<void> { return {}; }, false);
  const auto damaged = [&plain](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
    std::memcpy(space.data(), plain.data() + offset, space.size());
    if (offset <= 70'000 && 70'000 < offset + space.size()) space[70'000 - offset] ^= std::byte{1};
    return space.size();
  };
  REQUIRE(decryptor.resume(as_bytes(std::string_view(bytes).substr(0, 1000)), 2, damaged));
  REQUIRE(decryptor.push(as_bytes(std::string_view(bytes).substr(decryptor.taken()))));
  const auto opened = decryptor.finish();
  REQUIRE(opened);
  Xxh128 wire_sum;
  wire_sum.update(as_bytes(bytes));
  CHECK(opened->wire_sum != wire_sum.sum());
}

TEST_CASE("what was sealed to somebody else is foreign, not wrong") {
  const auto other = seal::Identity::generate();
  REQUIRE(other);
  SourceList sources;
  sources.sources = {source_of("file", 5)};
  auto plan = SealPlan::make(other->recipient(), seed_of(1), sources, Items(1), "");
  REQUIRE(plan);
  std::string plain;
  std::optional<seal::Refusal> refusal;
  CHECK_FALSE(open_whole(receiver(), as_bytes(sealed(*plan, 0, "hello")), false, plain, refusal));
  REQUIRE(refusal);
  CHECK(is_foreign(*refusal));
  CHECK(plain.empty());
}

TEST_CASE("dates and the executable bit are in the manifest") {
  SourceList sources;
  sources.sources = {source_of("one", 5), source_of("two", 5)};
  sources.sources[0].modified = WallTime(Seconds(1'000'000'000));
  sources.sources[0].executable = true;
  auto plan = SealPlan::make(receiver().recipient(), seed_of(1), sources, Items(2), "", true);
  REQUIRE(plan);
  const auto kept = manifest_of(*plan);
  CHECK(kept.files[0].properties == wire::FileProperties{WallTime(Seconds(1'000'000'000)), true});
  CHECK(kept.files[1].properties == wire::FileProperties{});
  CHECK_FALSE(manifest_of(plan_of(sources)).files[0].properties.executable);
}
