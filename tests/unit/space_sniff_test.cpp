#include <catch2/catch.hpp>

#include "space/sniff.h"

using namespace qrx;
using namespace qrx::space;
using namespace std::string_literals;

namespace {
std::string type_of(const std::string& bytes, bool whole = true) {
  return std::string(sniff(as_bytes(bytes), whole).type);
}
}  // namespace

TEST_CASE("the content type comes from the first bytes") {
  CHECK(type_of("\x89PNG\r\n\x1a\n\0\0"s) == "image/png");
  CHECK(type_of("\xff\xd8\xff\xe0"s) == "image/jpeg");
  CHECK(type_of("GIF89a.."s) == "image/gif");
  CHECK(type_of("RIFF\x10\0\0\0WEBPVP8 "s) == "image/webp");
  CHECK(type_of("\0\0\0\x1c" "ftypavif\0\0\0\0avifmif1"s) == "image/avif");
  CHECK(type_of("\0\0\0\x1c" "ftypmif1\0\0\0\0mif1avif"s) == "image/avif");
  CHECK(type_of("\0\0\0\x18" "ftypmp42\0\0\0\0mp42"s) == "application/octet-stream");
  CHECK(type_of("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0"s) == "image/bmp");
  CHECK(type_of("BMW is a car, and this is only a text about it") == "text/plain; charset=utf-8");
  CHECK(type_of("%PDF-1.7\n") == "application/pdf");
  CHECK(type_of("PK\x03\x04\x14"s) == "application/zip");
  CHECK(type_of("\x1f\x8b\x08\0"s) == "application/gzip");
  CHECK(type_of("") == "application/octet-stream");
  CHECK(type_of("\x7f" "ELF\x02\x01"s) == "application/octet-stream");
}

TEST_CASE("active content is only ever text") {
  CHECK(type_of("<!DOCTYPE html><script>alert(1)</script>") == "text/plain; charset=utf-8");
  CHECK(type_of("<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>") == "text/plain; charset=utf-8");
}

TEST_CASE("text may be cut in the middle of a character") {
  const std::string text = "naïve日本";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    INFO(size);
    CHECK(type_of(text.substr(0, size), false) == "text/plain; charset=utf-8");
  }
  CHECK(type_of(text.substr(0, text.size() - 1), true) == "application/octet-stream");
  CHECK(type_of("abc\xff\xfe", false) == "application/octet-stream");
  std::string long_text;
  while (long_text.size() < 2000) long_text += "日本語";
  CHECK(type_of(long_text) == "text/plain; charset=utf-8");
}

TEST_CASE("an age file is sealed") {
  CHECK(sniff(as_bytes("age-encryption.org/v1\n-> X25519 "), false).sealed);
  CHECK(sniff(as_bytes("-----BEGIN AGE ENCRYPTED FILE-----\n"), false).sealed);
  CHECK_FALSE(sniff(as_bytes("age-encryption.org/v2\n"), true).sealed);
  CHECK_FALSE(sniff(as_bytes("just text"), true).sealed);
}
