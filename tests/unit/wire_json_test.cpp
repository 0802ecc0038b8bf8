#include "unit/catch.h"

#include <nlohmann/json.hpp>

#include <random>

#include "wire/json_value.h"
#include "wire/limits.h"

using namespace qrx;
using wire::JsonValue;

namespace {

// As the JSON library has it: the two must say the same of every text.
nlohmann::json as_value(const JsonValue& value) {
  if (value.is_text()) return std::string(value.text());
  if (value.is_list()) {
    nlohmann::json out = nlohmann::json::array();
    for (const JsonValue& item : value) out.push_back(as_value(item));
    return out;
  }
  if (value.is_object()) {
    nlohmann::json out = nlohmann::json::object();
    for (const JsonValue& member : value) out[std::string(member.name())] = as_value(member);
    return out;
  }
  return nlohmann::json::parse(value.text());
}

void check_like_the_library(const std::string& text) {
  const auto read = wire::read_object(text);
  nlohmann::json expected(nlohmann::json::value_t::discarded);
  try {
    expected = nlohmann::json::parse(text);
  } catch (const nlohmann::json::out_of_range&) {
    return;  // a number beyond its double: no message has one, and here no number is made of it
  } catch (const nlohmann::json::parse_error&) {
  }
  INFO(text);
  REQUIRE(read.has_value() == (!expected.is_discarded() && expected.is_object()));
  if (read) CHECK(as_value(read->root()) == expected);
}

const std::string usual =
    R"( {"a": [1, -0, 0.5, 1e3, -2.5E-7, 18446744073709551616], "b\u00e9\ud83d\ude00": "x\"\\\/\b\f\n\r\ty" ,)"
    R"("c":{"d":true,"e":false,"f":null},"":"", "caf)"
    "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\x7F"
    R"(":[[],{},[{}]]} )"
    "\n\t\r";

}  // namespace

TEST_CASE("JSON is read as the library reads it") {
  check_like_the_library(usual);
  for (const char* text : {"",
                           " ",
                           "{}",
                           "[]",
                           "1",
                           "\"a\"",
                           "null",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{a:1}",
                           "{\"a\":1}x",
                           "{\"a\":1}{}",
                           "{\"a\":01}",
                           "{\"a\":-}",
                           "{\"a\":+1}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":1e}",
                           "{\"a\":1e+}",
                           "{\"a\":1E-2}",
                           "{\"a\":00}",
                           "{\"a\":-01}",
                           "{\"a\":tru}",
                           "{\"a\":True}",
                           "{\"a\":nul}",
                           "{\"a\":NaN}",
                           "{\"a\":[1 2]}",
                           "{\"a\":[1,]}",
                           "{\"a\":[,1]}",
                           "{\"a\":\"",
                           "{\"a\":\"\\",
                           "{\"a\":\"\\\"",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"a\":\"\\u12",
                           "{\"a\":\"\\ud800\"}",
                           "{\"a\":\"\\ud800x\"}",
                           "{\"a\":\"\\ud800\\n\"}",
                           "{\"a\":\"\\ud800\\u0041\"}",
                           "{\"a\":\"\\udc00\"}",
                           "{\"a\":\"\\uD83D\\uDE00\"}",
                           "{\"a\":\"\\u0000\"}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"\x80\"}",
                           "{\"a\":\"\xC0\x80\"}",
                           "{\"a\":\"\xED\xA0\x80\"}",
                           "{\"a\":\"\xF4\x90\x80\x80\"}",
                           "{\"a\":\"\xE2\x82\"}",
                           "{\"a\":\"\xE2\x82",
                           "{\"a\":1/**/}",
                           "\xEF\xBB\xBF{}",
                           "\xEF\xBB{}",
                           "{\"a\":1,\"a\":2}",
                           "{\"a\":1 ,\t\"b\" :\r\n2}",
                           "{\"a\"\v:1}"})
    check_like_the_library(text);
  check_like_the_library(std::string("{\"a\":\"\0\"}", 9));
}

TEST_CASE("JSON that was damaged on the way is read as the library reads it") {
  std::minstd_rand random(7);
  const std::string pieces = "{}[]\",:\\u0dD8\n\x80\xE2\xFF e-.1tfn";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = usual;
    for (unsigned changes = random() % 3 + 1; changes > 0 && !text.empty(); --changes) {
      const std::size_t at = random() % text.size();
      const char piece = pieces[random() % pieces.size()];
      if (const auto how = random() % 4; how == 0)
        text.erase(at, random() % 8 + 1);
      else if (how == 1)
        text.insert(at, 1, piece);
      else if (how == 2)
        text.resize(at + 1);
      else
        text[at] = piece;
    }
    check_like_the_library(text);
  }
}

TEST_CASE("a member of JSON is found by its name, the last of several") {
  const auto read = wire::read_object(R"({"a":{"b":1,"c":[{"b":2}]},"b":3,"a":4,"d":[5,[6],7]})");
  REQUIRE(read);
  const JsonValue& root = read->root();
  CHECK(root.find("a")->text() == "4");
  CHECK(root.find("b")->text() == "3");
  CHECK(root.find("c") == nullptr);
  CHECK(root.find("b")->find("b") == nullptr);
  CHECK(root.find("d")->find("") == nullptr);
  CHECK(root.find("d")->size() == 3);
  CHECK(root.size() == 4);
}

TEST_CASE("JSON that would take much memory or a deep stack is refused") {
  const auto nested = [](int depth) {
    std::string text = "{\"a\":";
    text.append(static_cast<std::size_t>(depth - 1), '[').append(static_cast<std::size_t>(depth - 1), ']');
    return text + "}";
  };
  CHECK(wire::read_object(nested(wire::most_json_depth)));
  CHECK_FALSE(wire::read_object(nested(wire::most_json_depth + 1)));
  CHECK_FALSE(wire::read_object("{\"a\":[" + std::string(1U << 20, '[')));
  std::string many = "{\"a\":[1";
  for (std::size_t i = 0; i < wire::most_json_bytes / 8; ++i) many += ",1";
  CHECK_FALSE(wire::read_object(many + "]}"));
  CHECK_FALSE(wire::read_object("{\"a\":\"" + std::string(wire::most_json_bytes, 'x') + "\"}"));
}
