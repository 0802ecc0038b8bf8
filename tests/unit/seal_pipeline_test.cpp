#include "unit/catch.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "seal/pipeline.h"

using namespace qrx;
using namespace qrx::seal;

namespace {

const Identity& identity() {
  static const Identity one = *Identity::generate();
  return one;
}

std::string noise(std::size_t size) {
  std::string made(size, '\0');
  std::uint32_t state = 1;
  for (char& c : made) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return made;
}

const std::string& plain() {
  static const std::string text = noise(40 * chunk_size + 17);  // more than the pipeline holds at once
  return text;
}

Result<std::size_t> read_plain(std::uint64_t offset, std::span<std::byte> space) {
  const std::size_t size = std::min(space.size(), plain().size() - static_cast<std::size_t>(offset));
  std::memcpy(space.data(), plain().data() + offset, size);
  return size;
}

SealedReader reader(PlainReader source = read_plain, std::optional<std::uint64_t> size = plain().size()) {
  return {*Sealer::create(identity().recipient(), *SealSecrets::derive(Key{}, "pipeline")), std::move(source), size};
}

// Everything from where it stands; errors are counted and tried again.
template <class Reader>
std::string read_rest(Reader& from, std::size_t piece, int* errors = nullptr) {
  std::string all;
  std::vector<std::byte> space(piece);
  for (;;) {
    const auto size = from.read(space);
    if (!size && errors != nullptr && ++*errors < 10) continue;
    REQUIRE(size);
    if (*size == 0) return all;
    all += as_text(ByteView(space).first(*size));
  }
}

const std::string& sealed() {
  static const std::string text = [] {
    SealedReader from = reader();
    return read_rest(from, sealed_chunk_size);
  }();
  return text;
}

}  // namespace

TEST_CASE("a seal pipeline gives the bytes of its reader, from any byte on") {
  SealPipeline pipeline(reader());
  CHECK(pipeline.sealed_size() == sealed().size());
  CHECK(read_rest(pipeline, 10'000) == sealed());
  CHECK(pipeline.offset() == sealed().size());
  for (const std::size_t offset : {std::size_t{0}, std::size_t{100}, std::size_t{1'000'003}, sealed().size()}) {
    pipeline.seek(offset);
    CHECK(read_rest(pipeline, 100'000) == sealed().substr(offset));
  }
  SealPipeline stream(reader(read_plain, std::nullopt));
  CHECK_FALSE(stream.sealed_size());
  CHECK(read_rest(stream, 65552) == sealed());
  CHECK(stream.sealed_size() == sealed().size());
}

TEST_CASE("a seal pipeline may be left in the middle, and hands on its source's errors in their place") {
  {
    SealPipeline left(reader());
    std::vector<std::byte> space(1000);
    CHECK(left.read(space));
  }
  bool broken = true;
  SealPipeline pipeline(reader([&](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
    if (broken && offset > 2'000'000) {
      broken = false;
      return fail(Kind::other, "cannot read it");
    }
    return read_plain(offset, space);
  }));
  int errors = 0;
  CHECK(read_rest(pipeline, 70'000, &errors) == sealed());
  CHECK(errors == 1);
}

TEST_CASE("an open pipeline releases what its opener does") {
  std::string released;
  OpenPipeline pipeline(Opener(identity()), [&](ByteView bytes) -> Result<void> {
    released += as_text(bytes);
    return {};
  });
  for (std::size_t at = 0; at < sealed().size(); at += 99'999)
    REQUIRE(pipeline.push(as_bytes(std::string_view(sealed()).substr(at, 99'999))));
  REQUIRE(pipeline.finish());
  CHECK(released == plain());
  CHECK(pipeline.stop().released() == plain().size());
}

TEST_CASE("an open pipeline stops at a changed chunk, tells soon, and can be asked where to go on") {
  std::string changed = sealed();
  changed[5 * sealed_chunk_size] ^= 1;
  std::string released;
  OpenPipeline pipeline(Opener(identity()), [&](ByteView bytes) -> Result<void> {
    released += as_text(bytes);
    return {};
  });
  Result<void> pushed;
  for (std::size_t at = 0; at < changed.size() && pushed; at += 5000)
    pushed = pipeline.push(as_bytes(std::string_view(changed).substr(at, 5000)));
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().kind == Kind::integrity);
  CHECK_FALSE(pipeline.finish());
  CHECK_FALSE(pipeline.push(as_bytes("x")));
  CHECK(released == plain().substr(0, released.size()));
  CHECK(released.size() < 5 * chunk_size);
  CHECK(pipeline.stop().refusal() == Refusal::changed_payload);

  OpenPipeline cut(Opener(identity()), [](ByteView) -> Result<void> { return {}; });
  REQUIRE(cut.push(as_bytes(std::string_view(sealed()).substr(0, 200'000))));
  const auto state = cut.stop().state();
  REQUIRE(state);
  CHECK(state->next_chunk == 3);
  CHECK_FALSE(cut.finish());
}
