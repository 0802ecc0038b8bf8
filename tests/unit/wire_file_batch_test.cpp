#include "unit/catch.h"

#include "base/running_sums.h"
#include "wire/file_batch.h"

namespace qrx::wire {
namespace {

struct Taken {
  std::string name;
  std::string bytes;
  FileProperties properties;
};

struct Reading {
  std::vector<Taken> taken;
  Result<void> result;
};

// The body in pieces of `step` bytes.
Reading read(std::string_view body, std::size_t step, std::size_t most_bytes = 1000) {
  Reading out;
  BatchReader reader(most_bytes, [&out](const BatchedFile& file, ByteView bytes) -> Result<void> {
    out.taken.push_back({file.name, std::string(as_text(bytes)), file.properties});
    return {};
  });
  while (!body.empty() && out.result) {
    out.result = reader.write(as_bytes(body.substr(0, step)));
    body.remove_prefix(std::min(step, body.size()));
  }
  if (out.result) out.result = reader.finish();
  return out;
}

std::string sample() {
  std::string body;
  add_to_batch(body, "dir/a.txt", {WallTime(Seconds(1'700'000'000)), true}, as_bytes(std::string_view("one\n{\"")));
  add_to_batch(body, "empty", {}, {});
  add_to_batch(body, "\"ünï\" 😀", {}, as_bytes(std::string_view("three", 6)));
  return body;
}

Kind kind_of(const Result<void>& result) {
  REQUIRE(!result);
  return result.error().kind;
}

}  // namespace

TEST_CASE("many files in one body come out as they went in, however it is cut") {
  const std::string body = sample();
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{64}, body.size()}) {
    const Reading got = read(body, step);
    REQUIRE(got.result);
    REQUIRE(got.taken.size() == 3);
    CHECK(got.taken[0].name == "dir/a.txt");
    CHECK(got.taken[0].bytes == "one\n{\"");
    CHECK(got.taken[0].properties == FileProperties{WallTime(Seconds(1'700'000'000)), true});
    CHECK(got.taken[1].name == "empty");
    CHECK(got.taken[1].bytes.empty());
    CHECK(got.taken[2].name == "\"ünï\" 😀");
    CHECK(got.taken[2].bytes == std::string("three", 6));
  }
  CHECK(read("", 1).result);
}

TEST_CASE("a body that is none is refused, and what was whole before it was taken") {
  const std::string body = sample();
  for (std::size_t end = 1; end < body.size(); ++end) {
    const Reading got = read(body.substr(0, end), 5);
    // It may end behind each of its files.
    if (got.result) CHECK((got.taken.size() == 1 || got.taken.size() == 2));
    if (!got.result) CHECK(got.result.error().kind == Kind::usage);
  }
  CHECK(kind_of(read("no line of JSON\n", 4).result) == Kind::usage);
  CHECK(kind_of(read("{\"name\":\"a\"}\n", 4).result) == Kind::usage);
  CHECK(kind_of(read("{\"name\":\"a\",\"size\":-1}\n", 4).result) == Kind::usage);
  CHECK(kind_of(read("{\"name\":7,\"size\":1}\nx", 4).result) == Kind::usage);
  CHECK(kind_of(read(std::string(40'000, 'x'), 1000).result) == Kind::usage);
  CHECK(kind_of(read(std::string(40'000, 'x') + "\n", 50'000).result) == Kind::usage);
  CHECK(kind_of(read("{\"name\":\"a\",\"size\":1001}\n", 4).result) == Kind::too_large);
  CHECK(kind_of(read("{\"name\":\"a\",\"size\":9223372036854775807}\n", 4).result) == Kind::too_large);
}

TEST_CASE("one request holds so many files and no more") {
  std::string body;
  for (std::size_t i = 0; i < most_batch_files; ++i) add_to_batch(body, std::to_string(i), {}, {});
  CHECK(read(body, 100).taken.size() == most_batch_files);
  add_to_batch(body, "one more", {}, {});
  const Reading got = read(body, 100);
  CHECK(kind_of(got.result) == Kind::too_large);
  CHECK(got.taken.size() == most_batch_files);
}

TEST_CASE("an error of who takes the files ends the reading") {
  int taken = 0;
  BatchReader reader(1000, [&taken](const BatchedFile&, ByteView) -> Result<void> {
    return ++taken == 2 ? fail(Kind::no_room, "full") : Result<void>{};
  });
  CHECK(kind_of(reader.write(as_bytes(sample()))) == Kind::no_room);
  CHECK(taken == 2);
}

TEST_CASE("the answer has the sums in order") {
  const std::vector<Xxh128Sum> sums{sums_of(as_bytes(std::string_view("a")), false).xxh128,
                                    sums_of(as_bytes(std::string_view("b")), false).xxh128};
  CHECK(parse_batch_answer(batch_answer(sums)) == sums);
  CHECK(parse_batch_answer(batch_answer({}))->empty());
  CHECK(!parse_batch_answer("[]"));
  CHECK(!parse_batch_answer("{\"xxh128\":\"a\"}"));
  CHECK(!parse_batch_answer("{\"xxh128\":[\"a\"]}"));
}

}  // namespace qrx::wire
