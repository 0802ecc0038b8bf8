#include "unit/catch.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "seal/opener.h"
#include "seal/sealer.h"

using namespace qrx;
using namespace qrx::seal;

namespace {

const Identity& identity() {
  static const Identity one =
      *Identity::parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX");
  return one;
}

SealSecrets secrets() {
  return *SealSecrets::derive(Key{}, "the tests");
}

std::string sample(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

PlainReader from_text(const std::string& text) {
  return [&text](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
    if (offset >= text.size()) return 0;
    const std::size_t size =
        std::min({space.size(), text.size() - static_cast<std::size_t>(offset), std::size_t{50'000}});
    std::memcpy(space.data(), text.data() + offset, size);
    return size;
  };
}

Sealer sealer() {
  return *Sealer::create(identity().recipient(), secrets());
}

std::string read_all(SealedReader& reader, std::size_t piece) {
  std::string all;
  std::vector<std::byte> space(piece);
  for (;;) {
    const auto got = reader.read(space);
    REQUIRE(got);
    if (*got == 0) return all;
    all += as_text(ByteView(space).first(*got));
  }
}

std::string seal_text(const std::string& plain, std::size_t piece = sealed_chunk_size) {
  SealedReader reader(sealer(), from_text(plain), plain.size());
  return read_all(reader, piece);
}

struct Outcome {
  std::string plain;  // what was released
  bool whole = false;
  std::optional<Refusal> refusal;
};

Outcome open_text(std::string_view sealed, std::size_t piece = 1U << 30) {
  Outcome outcome;
  Opener opener(identity());
  const PlainSink sink = [&](ByteView plain) -> Result<void> {
    outcome.plain += as_text(plain);
    return {};
  };
  bool good = true;
  for (std::size_t start = 0; start < sealed.size() && good; start += piece)
    good = opener.push(as_bytes(sealed.substr(start, piece)), sink).has_value();
  outcome.whole = good && opener.finish(sink).has_value();
  outcome.refusal = opener.refusal();
  CHECK(opener.released() == outcome.plain.size());
  return outcome;
}

const std::vector<std::size_t> telling_sizes = {0,      1,      100,    65535,    65536, 65537, 2 * 65536 - 1,
                                                131072, 131073, 200000, 3 * 65536};

}  // namespace

TEST_CASE("what was sealed opens, at every telling size and in every piece") {
  for (const std::size_t size : telling_sizes) {
    const std::string plain = sample(size);
    const std::string sealed = seal_text(plain);
    CAPTURE(size);
    CHECK(sealed.size() == sealed_size(size));
    CHECK(sealed.size() == sealer().layout(size).sealed_size());
    for (const std::size_t piece : {std::size_t{1021}, std::size_t{65552}, std::size_t{70000}, sealed.size()}) {
      CHECK(seal_text(plain, piece) == sealed);
      const Outcome opened = open_text(sealed, piece);
      CHECK(opened.whole);
      CHECK(opened.plain == plain);
    }
  }
  const std::string plain = sample(500);
  CHECK(open_text(seal_text(plain, 1), 1).plain == plain);
}

TEST_CASE("a layout knows every size, and which sizes no sealed file has") {
  for (const std::size_t size : telling_sizes) {
    const Layout layout{168, size};
    const auto again = Layout::of_sealed(168, layout.sealed_size());
    REQUIRE(again);
    CHECK(again->plain_size == size);
    std::size_t sum = 0;
    for (std::uint64_t chunk = 0; chunk < layout.chunk_count(); ++chunk) sum += layout.plain_chunk_size(chunk);
    CHECK(sum == size);
  }
  CHECK_FALSE(Layout::of_sealed(168, 168 + 16 + 15));
  CHECK(Layout::of_sealed(168, 168 + 16 + 16)->plain_size == 0);
  CHECK_FALSE(Layout::of_sealed(168, 168 + 16 + 65552 + 15));
  CHECK_FALSE(Layout::of_sealed(168, 168 + 16 + 65552 + 16));  // an empty last chunk
  CHECK(Layout::of_sealed(168, 168 + 16 + 65552 + 17)->plain_size == 65537);
  CHECK_FALSE(Layout::of_sealed(168, ~std::uint64_t{0}));
  CHECK_FALSE(Layout::of_sealed(~std::uint64_t{0}, 1000));
}

TEST_CASE("a file cut at any byte is not whole, and gives nothing of the chunk that was cut") {
  const std::string plain = sample(100);
  const std::string sealed = seal_text(plain);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    const Outcome cut = open_text(std::string_view(sealed).substr(0, size));
    CAPTURE(size);
    CHECK_FALSE(cut.whole);
    CHECK(cut.plain.empty());
    CHECK(cut.refusal.has_value());
  }
}

TEST_CASE("every flipped bit of a small file is noticed before a byte of it leaves") {
  const std::string plain = sample(40);
  std::string sealed = seal_text(plain);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    const auto flip = [&] { sealed[bit / 8] = static_cast<char>(sealed[bit / 8] ^ (1 << (bit % 8))); };
    flip();
    const Outcome flipped = open_text(sealed);
    CAPTURE(bit);
    CHECK_FALSE(flipped.whole);
    CHECK(flipped.plain.empty());
    flip();
  }
  CHECK(open_text(sealed).plain == plain);
}

TEST_CASE("a file cut or changed in its second chunk gives the first chunk and no more") {
  const std::string plain = sample(65536 + 300);
  const std::string sealed = seal_text(plain);
  const std::size_t second = sealed.size() - 316;
  for (std::size_t size = second; size < sealed.size(); ++size) {
    const Outcome cut = open_text(std::string_view(sealed).substr(0, size));
    CHECK_FALSE(cut.whole);
    CHECK(cut.plain == plain.substr(0, 65536));
  }
  std::string changed = sealed;
  changed[second + 7] ^= 1;
  const Outcome outcome = open_text(changed);
  CHECK_FALSE(outcome.whole);
  CHECK(outcome.plain == plain.substr(0, 65536));
  CHECK(outcome.refusal == Refusal::changed_payload);
}

TEST_CASE("chunks that are swapped, repeated, left out or from another file are refused") {
  const std::string plain = sample(4 * 65536);
  const std::string sealed = seal_text(plain);
  const std::string front(sealer().front());
  const auto chunk = [&](std::size_t i) {
    return sealed.substr(front.size() + i * sealed_chunk_size, sealed_chunk_size);
  };
  CHECK(open_text(front + chunk(0) + chunk(1) + chunk(2) + chunk(3)).whole);

  const Outcome swapped = open_text(front + chunk(1) + chunk(0) + chunk(2) + chunk(3));
  CHECK(swapped.refusal == Refusal::changed_payload);
  CHECK(swapped.plain.empty());
  CHECK(open_text(front + chunk(0) + chunk(0) + chunk(2) + chunk(3)).plain == plain.substr(0, 65536));
  CHECK(open_text(front + chunk(0) + chunk(2) + chunk(3)).plain == plain.substr(0, 65536));
  CHECK(open_text(front + chunk(0) + chunk(1) + chunk(2)).refusal == Refusal::truncated);
  CHECK(open_text(sealed + "x").refusal == Refusal::trailing);
  CHECK(open_text(sealed + chunk(3)).refusal == Refusal::trailing);

  const auto other = Sealer::create(identity().recipient(), *SealSecrets::derive(Key{}, "another file"));
  SealedReader reader(sealer(), from_text(plain), plain.size());
  CHECK_FALSE(open_text(std::string(other->front()) + sealed.substr(front.size())).whole);
}

TEST_CASE("an empty last chunk is refused unless the whole file is empty") {
  const std::string plain = sample(chunk_size);
  Sealer made = sealer();
  std::vector<std::byte> chunk(sealed_chunk_size);
  std::vector<std::byte> last(tag_size);
  REQUIRE(made.seal_chunk(0, false, as_bytes(plain), chunk));
  REQUIRE(made.seal_chunk(1, true, {}, last));
  const Outcome outcome = open_text(std::string(made.front()).append(as_text(chunk)).append(as_text(last)));
  CHECK(outcome.refusal == Refusal::changed_payload);
  CHECK(outcome.plain == plain);
  CHECK(open_text(seal_text("")).whole);
}

TEST_CASE("a sealed file goes on from any byte with the same secrets") {
  const std::string plain = sample(150'000);
  const std::string sealed = seal_text(plain);
  const auto saved = SealSecrets::parse(secrets().text());
  REQUIRE(saved);
  SealedReader reader(*Sealer::create(identity().recipient(), *saved), from_text(plain), plain.size());
  CHECK(reader.sealed_size() == sealed.size());
  for (std::size_t offset = 0; offset <= sealed.size(); offset += offset < 300 ? 1 : 1009) {
    reader.seek(offset);
    std::vector<std::byte> space(500);
    const auto got = reader.read(space);
    REQUIRE(got);
    CHECK(as_text(ByteView(space).first(*got)) == sealed.substr(offset, *got));
    CHECK((*got > 0) == (offset < sealed.size()));
  }
  for (const std::size_t offset : {0UL, 1UL, 184UL, 65000UL, 184UL + 65552, 184UL + 65553, sealed.size() - 1}) {
    reader.seek(offset);
    CHECK(read_all(reader, 100'000) == sealed.substr(offset));
  }
}

TEST_CASE("saved secrets are read back exactly, and nothing else is") {
  const SealSecrets made = SealSecrets::generate();
  const std::string text = made.text();
  CHECK(text.size() == 88);
  CHECK(SealSecrets::parse(text)->text() == text);
  CHECK(made.clone().text() == text);
  CHECK(SealSecrets::generate().text() != text);
  CHECK_FALSE(SealSecrets::parse(""));
  CHECK_FALSE(SealSecrets::parse(text.substr(4)));
  CHECK_FALSE(SealSecrets::parse("A" + text.substr(1)));
  CHECK_FALSE(OpenerState::parse(text));
}

TEST_CASE("secrets derived for another context share nothing") {
  const Key seed = SealSecrets::generate().ephemeral.clone();
  const auto one = SealSecrets::derive(seed, "a.jpg 100 1");
  const auto same = SealSecrets::derive(seed, "a.jpg 100 1");
  const auto changed = SealSecrets::derive(seed, "a.jpg 100 2");
  REQUIRE((one && same && changed));
  CHECK(one->text() == same->text());
  CHECK(to_hex(one->file_key.view()) != to_hex(changed->file_key.view()));
  CHECK(to_hex(one->ephemeral.view()) != to_hex(changed->ephemeral.view()));
  CHECK(one->nonce != changed->nonce);
  CHECK(SealSecrets::derive(seed, std::string(100'000, 'n')));
}

TEST_CASE("a source that became shorter or longer is noticed; its error is handed on") {
  const std::string plain = sample(70'000);
  for (const std::size_t claimed : {69'999UL, 70'001UL, 65'536UL, 131'072UL}) {
    SealedReader reader(sealer(), from_text(plain), claimed);
    std::vector<std::byte> space(sealed_chunk_size);
    Result<std::size_t> got = 1;
    while (got && *got > 0) got = reader.read(space);
    CAPTURE(claimed);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == Kind::integrity);
  }
  bool broken = true;
  SealedReader reader(
      sealer(),
      [&](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
        if (broken && offset > 66'000) return fail(Kind::other, "cannot read it: Input/output error");
        return from_text(plain)(offset, space.first(std::min<std::size_t>(space.size(), 1000)));
      },
      plain.size());
  std::string all;
  std::vector<std::byte> space(sealed_chunk_size);
  for (Result<std::size_t> got = 1; !got || *got > 0;) {
    got = reader.read(space);
    if (!got) CHECK(got.error().what == "cannot read it: Input/output error");
    if (got) all += as_text(ByteView(space).first(*got));
    if (!got) broken = false;
  }
  CHECK(all == seal_text(plain));
}

TEST_CASE("a source of unknown size is sealed forward, reading each byte once") {
  for (const std::size_t size : telling_sizes) {
    const std::string plain = sample(size);
    std::size_t next = 0;
    SealedReader reader(
        sealer(),
        [&](std::uint64_t offset, std::span<std::byte> space) -> Result<std::size_t> {
          CHECK(offset == next);
          const std::size_t got = std::min(space.size(), size - next);
          std::memcpy(space.data(), plain.data() + next, got);
          next += got;
          return got;
        },
        std::nullopt);
    CHECK_FALSE(reader.sealed_size());
    CAPTURE(size);
    CHECK(read_all(reader, size % 2 == 0 ? 66'000 : 999) == seal_text(plain));
    CHECK(reader.sealed_size() == sealed_size(size));
  }
}

TEST_CASE("opening goes on from a saved state at a chunk's boundary") {
  const std::string plain = sample(3 * 65536 + 5);
  const std::string sealed = seal_text(plain);
  for (const std::size_t cut : {185UL, 65'000UL, 66'000UL, 140'000UL, 184UL + 2 * 65552, sealed.size() - 1}) {
    std::string released;
    const PlainSink sink = [&](ByteView bytes) -> Result<void> {
      released += as_text(bytes);
      return {};
    };
    Opener first(identity());
    REQUIRE(first.push(as_bytes(std::string_view(sealed).substr(0, cut)), sink));
    const auto state = first.state();
    REQUIRE(state);
    const auto saved = OpenerState::parse(state->text());
    REQUIRE(saved);
    CHECK(saved->plain_offset() == released.size());
    CHECK(saved->sealed_offset() <= cut);
    auto second = Opener::resume(*saved);
    REQUIRE(second);
    CHECK(second->opened());
    REQUIRE(second->push(as_bytes(std::string_view(sealed).substr(saved->sealed_offset())), sink));
    REQUIRE(second->finish(sink));
    CHECK(released == plain);
    CHECK(second->released() == plain.size());
    CHECK_FALSE(second->state());
  }
}

TEST_CASE("an opener says when it knows the key, gives its error for ever, and hands on a sink's error") {
  const std::string sealed = seal_text(sample(65536 * 2));
  Opener opener(identity());
  const PlainSink full = [](ByteView) -> Result<void> { return fail(Kind::no_room, "no space left"); };
  CHECK(opener.push(as_bytes(std::string_view(sealed).substr(0, 167)), full));
  CHECK_FALSE(opener.opened());
  CHECK_FALSE(opener.state());
  CHECK(opener.push(as_bytes(std::string_view(sealed).substr(167, 1)), full));
  CHECK(opener.opened());
  CHECK(opener.push(as_bytes(std::string_view(sealed).substr(168, 1000)), full));
  for (int i = 0; i < 2; ++i) {
    const auto pushed = opener.push(as_bytes(std::string_view(sealed).substr(1168)), full);
    REQUIRE_FALSE(pushed);
    CHECK(pushed.error().what == "no space left");
  }
  CHECK(opener.finish(full).error().kind == Kind::no_room);
  CHECK_FALSE(opener.refusal());
  CHECK(opener.released() == 0);
  CHECK(opener.state()->next_chunk == 0);  // with room again, it goes on here
}

TEST_CASE("a file for someone else is told from a damaged one and from a plain one") {
  const auto stranger = Identity::generate();
  const auto other = Sealer::create(stranger->recipient(), secrets());
  CHECK(open_text(other->front()).refusal == Refusal::no_match);
  CHECK(open_text("hello").refusal == Refusal::not_age);
  CHECK(open_text("").refusal == Refusal::not_age);
  CHECK(open_text(magic).refusal == Refusal::malformed_header);
  CHECK(looks_sealed(as_bytes(magic)));
  CHECK(looks_sealed(as_bytes("age-")));
  CHECK_FALSE(looks_sealed(as_bytes("agenda")));
}

TEST_CASE("any chunk opens alone, at its own place only") {
  const std::string plain = sample(3 * 65536 + 77);
  const std::string sealed = seal_text(plain);
  auto ranges = RangeOpener::open(identity(), as_bytes(std::string_view(sealed).substr(0, 1000)), sealed.size());
  REQUIRE(ranges);
  const Layout& layout = ranges->layout();
  CHECK(layout.plain_size == plain.size());
  REQUIRE(layout.chunk_count() == 4);
  std::vector<std::byte> out(chunk_size);
  for (const std::uint64_t chunk : {3, 0, 2, 1}) {
    const std::size_t size = layout.plain_chunk_size(chunk);
    const auto bytes =
        as_bytes(std::string_view(sealed).substr(layout.sealed_offset(chunk), layout.sealed_chunk_size(chunk)));
    REQUIRE(ranges->open_chunk(chunk, bytes, std::span(out).first(size)));
    CHECK(as_text(ByteView(out).first(size)) == plain.substr(chunk * chunk_size, size));
    CHECK_FALSE(ranges->open_chunk(chunk == 0 ? 1 : 0, bytes, std::span(out).first(size)));
  }
  CHECK_FALSE(ranges->open_chunk(4, {}, {}));

  // A server that claims a shorter file: the chunk that would be the last one is not.
  auto shorter = RangeOpener::open(identity(), as_bytes(sealed), layout.sealed_offset(3));
  REQUIRE(shorter);
  const auto third = as_bytes(std::string_view(sealed).substr(layout.sealed_offset(2), sealed_chunk_size));
  CHECK_FALSE(shorter->open_chunk(2, third, out));
  CHECK_FALSE(RangeOpener::open(identity(), as_bytes(sealed), 100));
  CHECK_FALSE(RangeOpener::open(identity(), as_bytes(std::string_view(sealed).substr(0, 170)), sealed.size()));
}
