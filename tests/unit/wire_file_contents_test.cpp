#include "unit/catch.h"

#include "base/running_sums.h"
#include "wire/file_contents.h"

namespace qrx::wire {
namespace {

// a, e, i …: the last two of the 130 bits are not there.
Id named(char letter) {
  return *Id::parse(std::string(26, letter));
}

ByteView bytes_of(std::string_view text) {
  return as_bytes(text);
}

Xxh128Sum sum_of(std::string_view text) {
  return sums_of(bytes_of(text), false).xxh128;
}

const std::vector<AskedFile> asked{{named('a'), 6}, {named('e'), 0}, {named('i'), 1}};

void add(std::string& body, char letter, std::string_view bytes) {
  add_contents(body, named(letter), sum_of(bytes), bytes_of(bytes));
}

std::string sample() {
  std::string body;
  add(body, 'a', "one\n{\"");
  add(body, 'e', "");
  add(body, 'i', std::string_view("\0", 1));
  return body;
}

std::string line(std::string_view size, const std::string& sum = std::string(32, '0')) {
  return "{\"file\":\"" + std::string(26, 'a') + "\",\"size\":" + std::string(size) + ",\"xxh128\":\"" + sum + "\"}\n";
}

Kind kind_of(std::string_view body) {
  const auto got = parse_contents(body, asked);
  REQUIRE(!got);
  return got.error().kind;
}

}  // namespace

TEST_CASE("the contents of many files come out as they went in") {
  const std::string body = sample();
  CHECK(body.size() <= most_contents_bytes(asked));
  const auto got = parse_contents(body, asked);
  REQUIRE(got);
  REQUIRE(got->size() == 3);
  CHECK(as_text((*got)[0].bytes) == "one\n{\"");
  CHECK((*got)[0].xxh128 == sum_of("one\n{\""));
  CHECK((*got)[1].bytes.empty());
  CHECK(as_text((*got)[2].bytes) == std::string_view("\0", 1));
  for (std::size_t i = 0; i < 3; ++i) CHECK((*got)[i].asked == i);
}

TEST_CASE("files may be missing in an answer") {
  CHECK(parse_contents("", asked)->empty());
  std::string body;
  add(body, 'i', "x");
  const auto got = parse_contents(body, asked);
  REQUIRE(got);
  REQUIRE(got->size() == 1);
  CHECK((*got)[0].asked == 2);
}

TEST_CASE("an answer that is cut, or has other files than were asked for, is refused") {
  const std::string body = sample();
  for (std::size_t end = 1; end < body.size(); ++end) {
    const auto got = parse_contents(body.substr(0, end), asked);
    // It may end behind each of its files.
    if (got) CHECK((got->size() == 1 || got->size() == 2));
    if (!got) CHECK(got.error().kind == Kind::usage);
  }
  std::string twice;
  add(twice, 'e', "");
  add(twice, 'e', "");
  CHECK(kind_of(twice) == Kind::usage);
  std::string out_of_turn;
  add(out_of_turn, 'i', "x");
  add(out_of_turn, 'a', "123456");
  CHECK(kind_of(out_of_turn) == Kind::usage);
  std::string foreign;
  add(foreign, 'm', "x");
  CHECK(kind_of(foreign) == Kind::usage);
  CHECK(kind_of(body + "{") == Kind::usage);
  CHECK(kind_of(body + body) == Kind::usage);
}

TEST_CASE("a size or a line that lies is refused before it is believed") {
  CHECK(parse_contents(line("6") + "123456", asked));
  CHECK(kind_of(line("5") + "12345") == Kind::usage);
  CHECK(kind_of(line("7") + "1234567") == Kind::usage);
  CHECK(kind_of(line("-6") + "123456") == Kind::usage);
  CHECK(kind_of(line("18446744073709551615")) == Kind::usage);
  CHECK(kind_of(line("\"6\"") + "123456") == Kind::usage);
  CHECK(kind_of(line("6", "short") + "123456") == Kind::usage);
  CHECK(kind_of("no JSON\n") == Kind::usage);
  CHECK(kind_of("{\"file\":\"" + std::string(26, 'a') + "\",\"size\":6}\n123456") == Kind::usage);
  // A line without an end is not looked at for long.
  CHECK(kind_of(std::string(most_contents_line_bytes, ' ') + line("6") + "123456") == Kind::usage);
}

TEST_CASE("the query names the files") {
  const std::vector<Id> ids{named('a'), named('e')};
  const std::string query = contents_query(ids);
  CHECK(query == "files=" + std::string(26, 'a') + "," + std::string(26, 'e'));
  CHECK(parse_contents_query(query) == ids);
  CHECK(parse_contents_query("x=1&" + query + "&y=2") == ids);
  CHECK(parse_contents_query("files=" + std::string(26, 'A'))->front() == named('a'));
  for (const char* wrong : {"", "files", "files=", "files=,", "files=abc", "xfiles=abc"})
    CHECK(parse_contents_query(wrong).error().kind == Kind::usage);
  CHECK(parse_contents_query(query + ",").error().kind == Kind::usage);
  CHECK(parse_contents_query(query + "," + std::string(26, 'a')).error().kind == Kind::usage);

  std::vector<Id> many;
  for (std::size_t i = 0; i < most_contents_files; ++i) many.push_back(Id::random());
  CHECK(contents_query(many).size() < 1800);
  CHECK(parse_contents_query(contents_query(many)) == many);
  many.push_back(Id::random());
  CHECK(parse_contents_query(contents_query(many)).error().kind == Kind::too_large);
}

}  // namespace qrx::wire
