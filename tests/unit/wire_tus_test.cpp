#include "unit/catch.h"

#include "wire/tus.h"

using namespace qrx;
using namespace qrx::wire;

TEST_CASE("numbers on the wire are digits and nothing else") {
  CHECK(parse_number("0") == 0U);
  CHECK(parse_number("007") == 7U);
  CHECK(parse_number("9223372036854775807") == 9223372036854775807U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x10", "1e3", "9223372036854775808", "18446744073709551616",
                           "99999999999999999999", "1,2", "12a", "\xD9\xA1"})
    CHECK_FALSE(parse_number(text));
}

TEST_CASE("upload metadata is read as tus clients write it") {
  const auto read = parse_upload_metadata("filename w6QudHh0,filetype dGV4dC9wbGFpbg==, empty ,flag");
  REQUIRE(read);
  CHECK(read->find("filename") == "\xC3\xA4.txt");
  CHECK(read->find("filetype") == "text/plain");
  CHECK(read->find("empty") == "");
  CHECK(read->find("flag") == "");
  CHECK_FALSE(read->find("other"));
  CHECK(parse_upload_metadata("")->entries.empty());
  CHECK(parse_upload_metadata(format_upload_metadata(*read))->entries == read->entries);
}

TEST_CASE("malformed upload metadata is refused") {
  for (const std::string& text :
       {std::string("filename a"), std::string("filename !!!!"), std::string(","), std::string("a,,b"),
        std::string("a YQ==,a YQ=="), std::string("a YQ== YQ=="), std::string("a YR=="), std::string("\xC3\xA4 YQ=="),
        std::string("a,"), "a " + std::string(16384, 'Y')})
    CHECK(parse_upload_metadata(text).error().kind == Kind::usage);
}

TEST_CASE("an upload checksum is an algorithm and base64") {
  const auto read = parse_upload_checksum("SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
  REQUIRE(read);
  CHECK(read->algorithm == "sha1");
  CHECK(read->sum.size() == 20);
  CHECK(format_upload_checksum(*read) == "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
  for (const char* text : {"", "sha1", "sha1 ", " YQ==", "sha1 !", "sha1  YQ==", "sha1 YQ== x"})
    CHECK_FALSE(parse_upload_checksum(text));
}

TEST_CASE("a concatenation is partial or names its parts") {
  CHECK_FALSE(parse_upload_concat("partial")->is_final);
  const auto read = parse_upload_concat("final;/u/g/uploads/a https://host/u/g/uploads/b");
  REQUIRE(read);
  CHECK(read->is_final);
  CHECK(read->parts == std::vector<std::string>{"/u/g/uploads/a", "https://host/u/g/uploads/b"});
  for (const char* text : {"", "final", "final;", "final; ", "partial;x", "Partial", "both"})
    CHECK_FALSE(parse_upload_concat(text));
  std::string many = "final;";
  for (int i = 0; i < 1001; ++i) many += "/a ";
  CHECK_FALSE(parse_upload_concat(many));
}
