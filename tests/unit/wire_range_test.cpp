#include "unit/catch.h"

#include "base/bytes.h"
#include "wire/digest.h"
#include "wire/range.h"

using namespace qrx;
using namespace qrx::wire;

namespace {
constexpr std::string_view etag = "\"xxh128-00\"";

ChosenRange choose(std::string_view range, std::uint64_t length = 100) {
  return choose_range(range, std::nullopt, etag, length);
}
bool is_part(const ChosenRange& chosen, std::uint64_t first, std::uint64_t size) {
  return chosen.choice == RangeChoice::part && chosen.range == ByteRange{first, size};
}
}  // namespace

TEST_CASE("a single range is honoured") {
  CHECK(is_part(choose("bytes=0-9"), 0, 10));
  CHECK(is_part(choose("bytes=90-"), 90, 10));
  CHECK(is_part(choose("bytes=90-1000"), 90, 10));
  CHECK(is_part(choose("bytes=-10"), 90, 10));
  CHECK(is_part(choose("bytes=-1000"), 0, 100));
  CHECK(is_part(choose("Bytes=99-99"), 99, 1));
  CHECK(choose_range(std::nullopt, std::nullopt, etag, 100).range == ByteRange{0, 100});
}

TEST_CASE("a range beyond the end cannot be satisfied") {
  for (const char* range : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=9223372036854775807-"})
    CHECK(choose(range).choice == RangeChoice::unsatisfiable);
  CHECK(choose("bytes=0-", 0).choice == RangeChoice::unsatisfiable);
  CHECK(choose("bytes=-5", 0).choice == RangeChoice::unsatisfiable);
  CHECK(content_range_unsatisfied(100) == "bytes */100");
}

TEST_CASE("malformed ranges, other units and several ranges give the whole") {
  for (const char* range : {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=9-0", "bytes=a-b", "bytes=0-1,5-6",
                            "lines=0-1", "bytes=0x0-1", "bytes=--1", "bytes=99999999999999999999-", "bytes=0-1-2"})
    CHECK(choose(range).choice == RangeChoice::whole);
}

TEST_CASE("If-Range gives the whole unless it names this very content") {
  CHECK(choose_range("bytes=0-9", etag, etag, 100).choice == RangeChoice::part);
  CHECK(choose_range("bytes=0-9", "\"other\"", etag, 100).choice == RangeChoice::whole);
  CHECK(choose_range("bytes=0-9", "W/\"xxh128-00\"", etag, 100).choice == RangeChoice::whole);
  CHECK(choose_range("bytes=0-9", "Sun, 22 Nov 2026 23:00:00 GMT", etag, 100).choice == RangeChoice::whole);
  CHECK(choose_range("bytes=0-9", "", "", 100).choice == RangeChoice::whole);
}

TEST_CASE("lists of entity tags") {
  CHECK(etag_list_holds("*", etag, false));
  CHECK(etag_list_holds("\"a\" , \"xxh128-00\"", etag, false));
  CHECK(etag_list_holds("W/\"xxh128-00\"", etag, true));
  CHECK_FALSE(etag_list_holds("W/\"xxh128-00\"", etag, false));
  CHECK_FALSE(etag_list_holds("xxh128-00", etag, true));
  CHECK_FALSE(etag_list_holds("\"a", etag, true));
  CHECK_FALSE(etag_list_holds("", etag, true));
}

TEST_CASE("a Content-Range comes back") {
  const auto back = parse_content_range(content_range({5, 5}, 10));
  REQUIRE(back);
  CHECK(back->range == ByteRange{5, 5});
  CHECK(back->length == 10U);
  CHECK_FALSE(parse_content_range("bytes 5-9/*")->length);
  for (const char* text : {"", "bytes 5-4/10", "bytes 5-10/10", "bytes */10", "5-9/10", "bytes 5-9", "bytes 5-9/x"})
    CHECK_FALSE(parse_content_range(text));
}

TEST_CASE("sha-256 is told to clients that want it") {
  CHECK(wants_sha256("sha-256=10"));
  CHECK(wants_sha256("sha-512=3, sha-256=1"));
  for (const char* text : {"", "sha-256", "sha-256=0", "sha-256=11", "sha-256=x", "SHA-256=1", "sha-2567=1", "md5=1"})
    CHECK_FALSE(wants_sha256(text));
  const Sha256Sum sum = sha256(as_bytes("abc"));
  CHECK(format_repr_digest(sum) == "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:");
  CHECK(parse_repr_digest("md5=:YQ==:, " + format_repr_digest(sum)) == sum);
  for (const char* text : {"", "sha-256=YQ==", "sha-256=:YQ==:", "sha-256=::", "sha-256=:", "sha-256=:!:"})
    CHECK_FALSE(parse_repr_digest(text));
}
