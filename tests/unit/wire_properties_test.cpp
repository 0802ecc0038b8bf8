#include "unit/catch.h"

#include "wire/messages.h"
#include "wire/properties.h"

using namespace qrx;
using namespace qrx::wire;

namespace {

std::optional<WallTime> mtime(std::string_view text) {
  return parse_properties(text, {}).modified;
}

}  // namespace

TEST_CASE("a time is decimal seconds, and a fraction is cut off") {
  CHECK(mtime("1000000000") == WallTime(Seconds(1'000'000'000)));
  CHECK(mtime("1000000000.999999999") == WallTime(Seconds(1'000'000'000)));
  CHECK(mtime("1000000000.") == WallTime(Seconds(1'000'000'000)));
  CHECK(mtime("0") == WallTime());
  CHECK(mtime("253402300799") == WallTime(Seconds(253'402'300'799)));  // the last second of 9999
}

TEST_CASE("a time that nothing can carry is as if it had not been said") {
  for (const char* text :
       {"", "-1", "1e30", "253402300800", "9223372036854775807", "99999999999999999999999999", "0x10", " 1", "1,5",
        "1.5.5", "1.-5", ".", ".5", "nan", "inf", "2001-09-09T01:46:40Z", "\xD9\xA1"}) {
    INFO(text);
    CHECK_FALSE(mtime(text));
  }
  CHECK_FALSE(kept_time(-1));
  CHECK_FALSE(kept_time(INT64_MIN));
  CHECK_FALSE(kept_time(INT64_MAX));
}

TEST_CASE("executable is said or not") {
  for (const char* text : {"", "1", "true"}) CHECK(parse_properties({}, text).executable);
  for (const char* text : {"0", "false", "no", "yes", "TRUE "}) CHECK_FALSE(parse_properties({}, text).executable);
  CHECK_FALSE(parse_properties({}, {}).executable);
}

TEST_CASE("the metadata of an upload has the same") {
  const FileProperties both{WallTime(Seconds(1'000'000'000)), true};
  UploadMetadata metadata;
  add_properties(metadata, both);
  CHECK(format_upload_metadata(metadata) == "mtime MTAwMDAwMDAwMA==,executable dHJ1ZQ==");
  CHECK(properties_in(metadata) == both);
  CHECK(properties_in(*parse_upload_metadata("filename YQ==,executable")).executable);
  CHECK(properties_in({}) == FileProperties{});
  UploadMetadata none;
  add_properties(none, {});
  CHECK(none.entries.empty());
}

TEST_CASE("manifests carry properties, and those without are read") {
  Manifest manifest;
  manifest.files = {{"a.age", "a", std::string(32, '0'), {WallTime(Seconds(1'000'000'000)), true}},
                    {"b.age", "b", std::string(32, '1'), {}}};
  const std::string text = to_json(manifest);
  CHECK(text.find(R"("modified":"2001-09-09T01:46:40Z")") != std::string::npos);
  CHECK(from_json<Manifest>(text)->files == manifest.files);
  const auto old = from_json<Manifest>(R"({"v":1,"files":[{"item":"a.age","name":"a","tag":"00"}]})");
  REQUIRE(old);
  CHECK(old->files[0].properties == FileProperties{});
}

TEST_CASE("a manifest names what is in packs, each pack once") {
  const std::string tag(32, '0'), other(32, '1');
  Manifest manifest;
  manifest.files = {{"a.age", "1", tag, {WallTime(Seconds(1'000'000'000)), true}, 5},
                    {"a.age", "2", tag, {}, 0},
                    {"b.age", "3", other, {}},
                    {"c.age", "4", tag, {}, 7}};
  const std::string text = to_json(manifest);
  CHECK(text == R"({"files":[{"files":[{"executable":true,"modified":"2001-09-09T01:46:40Z","name":"1","size":5},)"
                R"({"name":"2","size":0}],"item":"a.age","tag":")" +
                    tag + R"("},{"item":"b.age","name":"3","tag":")" + other +
                    R"("},{"files":[{"name":"4","size":7}],"item":"c.age","tag":")" + tag + R"("}],"v":1})");
  CHECK(from_json<Manifest>(text)->files == manifest.files);
}

TEST_CASE("a date in a message that cannot be read costs no file") {
  for (const char* members :
       {R"("modified":5)", R"("modified":"1969-12-31T23:59:59Z")", R"("modified":"10000-01-01T00:00:00Z")",
        R"("modified":"soon","executable":"yes")", R"("modified":null,"executable":1)", R"("modified":{})"}) {
    INFO(members);
    const auto read =
        from_json<Manifest>(R"({"v":1,"files":[{"item":"a.age","name":"a","tag":"00",)" + std::string(members) + "}]}");
    REQUIRE(read);
    CHECK(read->files[0].properties == FileProperties{});
  }
  const auto last = from_json<Manifest>(
      R"({"v":1,"files":[{"item":"a.age","name":"a","tag":"00","modified":"9999-12-31T23:59:59Z"}]})");
  CHECK(last->files[0].properties.modified == WallTime(Seconds(253'402'300'799)));
}
