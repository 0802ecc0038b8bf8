#include "unit/catch.h"

#include "wire/sniff.h"

using namespace qrx;
using namespace qrx::wire;
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
  CHECK(type_of("\0\0\0\x1c"
                "ftypavif\0\0\0\0avifmif1"s) == "image/avif");
  CHECK(type_of("\0\0\0\x1c"
                "ftypmif1\0\0\0\0mif1avif"s) == "image/avif");
  CHECK(type_of("\0\0\0\x18"
                "ftypmp42\0\0\0\0mp42"s) == "video/mp4");
  CHECK(type_of("\0\0\0\x20"
                "ftypisom\0\0\2\0isomiso2"s) == "video/mp4");
  CHECK(type_of("\0\0\0\x14"
                "ftypqt  \0\0\0\0qt  "s) == "video/quicktime");
  CHECK(type_of("\0\0\0\x18"
                "ftypheic\0\0\0\0mif1heic"s) == "image/heic");
  CHECK(type_of("\0\0\0\x18"
                "ftypM4A \0\0\0\0M4A "s) == "audio/mp4");
  CHECK(type_of("\0\0\0\x18"
                "ftypzzzz\0\0\0\0zzzz"s) == "application/octet-stream");
  CHECK(type_of("ID3\x04\0\0\0\0"s) == "audio/mpeg");
  CHECK(type_of("\xff\xfb\x90\x64"s) == "audio/mpeg");
  CHECK(type_of("\xff\xfe\x68\0\x69\0"s) == "application/octet-stream");  // UTF-16
  CHECK(type_of("OggS\0\2"s) == "audio/ogg");
  CHECK(type_of("RIFF\x10\0\0\0WAVEfmt "s) == "audio/wav");
  CHECK(type_of("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm"s) == "video/webm");
  CHECK(type_of("\x1a\x45\xdf\xa3\xa3\x42\x86\x81\1\x42\x82\x88matroska"s) == "video/x-matroska");
  CHECK(type_of(std::string(257, '\0') + "ustar\0"
                                         "00"s) == "application/x-tar");
  CHECK(type_of("PK\3\4" + std::string(26, '\0') + "mimetypeapplication/epub+zip") == "application/epub+zip");
  CHECK(type_of("II*\0\x08\0"s) == "image/tiff");
  CHECK(type_of("BZh is how this text begins, and ID3 is how another may") == "text/plain; charset=utf-8");
  CHECK(type_of("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0"s) == "image/bmp");
  CHECK(type_of("BMW is a car, and this is only a text about it") == "text/plain; charset=utf-8");
  CHECK(type_of("%PDF-1.7\n") == "application/pdf");
  CHECK(type_of("PK\x03\x04\x14"s) == "application/zip");
  CHECK(type_of("\x1f\x8b\x08\0"s) == "application/gzip");
  CHECK(type_of("") == "application/octet-stream");
  CHECK(type_of("\x7f"
                "ELF\x02\x01"s) == "application/octet-stream");
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

TEST_CASE("every cut of every beginning has an answer") {
  const std::string all =
      "\0\0\0\x1c"
      "ftypavif\0\0\0\0avifmif1\x1a\x45\xdf\xa3RIFF\xff\xfb"s;
  for (std::size_t at = 0; at < all.size(); ++at)
    for (std::size_t size = 0; at + size <= all.size(); ++size)
      CHECK_FALSE(type_of(all.substr(at, size), size % 2 == 0).empty());
}

TEST_CASE("an age file is sealed") {
  CHECK(sniff(as_bytes("age-encryption.org/v1\n-> X25519 "), false).sealed);
  CHECK(sniff(as_bytes("-----BEGIN AGE ENCRYPTED FILE-----\n"), false).sealed);
  CHECK_FALSE(sniff(as_bytes("age-encryption.org/v2\n"), true).sealed);
  CHECK_FALSE(sniff(as_bytes("just text"), true).sealed);
}
