#include "wire/sniff.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace qrx::wire {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::string_view type;
  std::size_t offset = 0;
  bool may_be_text = false;  // a text may well begin like this
};

// Types of the IANA registry, where there is one.
constexpr Magic magics[] = {
    {"\x89PNG\r\n\x1a\n"sv, "image/png"},
    {"\xff\xd8\xff"sv, "image/jpeg"},
    {"GIF87a"sv, "image/gif"},
    {"GIF89a"sv, "image/gif"},
    {"II*\0"sv, "image/tiff"},
    {"MM\0*"sv, "image/tiff"},
    {"\xff\x0a"sv, "image/jxl"},
    {"\0\0\0\x0cJXL \r\n\x87\n"sv, "image/jxl"},
    {"%PDF-"sv, "application/pdf"},
    {"%!PS-Adobe-"sv, "application/postscript"},
    {"mimetypeapplication/epub+zip"sv, "application/epub+zip", 30},
    {"mimetypeapplication/vnd.oasis.opendocument.text"sv, "application/vnd.oasis.opendocument.text", 30},
    {"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"sv, "application/vnd.oasis.opendocument.spreadsheet", 30},
    {"mimetypeapplication/vnd.oasis.opendocument.presentation"sv, "application/vnd.oasis.opendocument.presentation",
     30},
    {"PK\x03\x04"sv, "application/zip"},
    {"PK\x05\x06"sv, "application/zip"},
    {"\x1f\x8b\x08"sv, "application/gzip"},
    {"BZh"sv, "application/x-bzip2", 0, true},
    {"\xfd"
     "7zXZ\0"sv,
     "application/x-xz"},
    {"\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {"7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {"Rar!\x1a\x07"sv, "application/vnd.rar"},
    {"ustar"sv, "application/x-tar", 257},
    {"!<arch>\ndebian-binary"sv, "application/vnd.debian.binary-package"},
    {"SQLite format 3\0"sv, "application/vnd.sqlite3"},
    {"fLaC"sv, "audio/flac", 0, true},
    {"OggS"sv, "audio/ogg", 0, true},
    {"ID3"sv, "audio/mpeg", 0, true},
    {"MThd\0\0\0\x06"sv, "audio/midi"},
    {"FLV\x01"sv, "video/x-flv"},
    {"\0\0\x01\xba"sv, "video/mpeg"},
    {"\0\0\x01\xb3"sv, "video/mpeg"},
    {"\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, "video/x-ms-asf"},
};

// What follows "RIFF" and a length.
constexpr Magic riffs[] = {{"WEBP"sv, "image/webp"}, {"WAVE"sv, "audio/wav"}, {"AVI "sv, "video/x-msvideo"}};

// ISO base media, a box "ftyp": brands from the most telling one on. AV1 pictures name theirs anywhere in the list.
constexpr Magic brands[] = {{"heic"sv, "image/heic"}, {"heix"sv, "image/heic"}, {"mif1"sv, "image/heif"},
                            {"M4A "sv, "audio/mp4"},  {"M4B "sv, "audio/mp4"},  {"qt  "sv, "video/quicktime"},
                            {"3gp"sv, "video/3gpp"},  {"isom"sv, "video/mp4"},  {"iso2"sv, "video/mp4"},
                            {"iso4"sv, "video/mp4"},  {"iso5"sv, "video/mp4"},  {"iso6"sv, "video/mp4"},
                            {"mp41"sv, "video/mp4"},  {"mp42"sv, "video/mp4"},  {"avc1"sv, "video/mp4"},
                            {"M4V "sv, "video/mp4"},  {"dash"sv, "video/mp4"},  {"MSNV"sv, "video/mp4"}};

constexpr std::string_view unknown = "application/octet-stream";

bool has(std::string_view start, const Magic& magic) {
  return start.size() >= magic.offset + magic.bytes.size() &&
         start.substr(magic.offset, magic.bytes.size()) == magic.bytes;
}

std::string_view media_type(std::string_view start) {
  if (start.size() < 16 || start.substr(4, 4) != "ftyp") return {};
  // Two bytes of the four of its length: a "ftyp" box is far below 64 KiB.
  const auto box =
      static_cast<std::size_t>((static_cast<unsigned char>(start[2]) << 8) | static_cast<unsigned char>(start[3]));
  const std::size_t end = std::min(box, start.size());
  for (std::size_t at = 8; at + 4 <= end; at += 4) {
    const std::string_view brand = start.substr(at, 4);
    if (at != 12 && (brand == "avif" || brand == "avis")) return "image/avif";  // at 12 stands the minor version
  }
  for (const Magic& brand : brands)
    if (start.substr(8).starts_with(brand.bytes)) return brand.type;
  return {};
}

// Matroska: the document type stands in the head, which is short.
std::string_view matroska_type(std::string_view start) {
  if (!start.starts_with("\x1a\x45\xdf\xa3"sv)) return {};
  // The DocType is among the first elements of the EBML head (RFC 8794), all of which are short.
  const std::string_view head = start.substr(0, 64);
  if (head.find("webm"sv) != std::string_view::npos) return "video/webm";
  return head.find("matroska"sv) != std::string_view::npos ? "video/x-matroska"sv : unknown;
}

// MPEG audio, layer III (ISO/IEC 11172-3, 2.4.2.3): the sync bits alone are in too much else, so the bit rate and the
// sample rate must be such as exist, too.
bool is_mpeg_audio(std::string_view start) {
  if (start.size() < 4 || static_cast<unsigned char>(start[0]) != 0xFF) return false;
  const auto second = static_cast<unsigned char>(start[1]), third = static_cast<unsigned char>(start[2]);
  const bool layer3 = (second & 0xE6U) == 0xE2U && (second & 0x18U) != 0x08U;
  return layer3 && third >> 4 != 0 && third >> 4 != 15 && (third & 0x0CU) != 0x0CU;
}

// The dimensions follow at once; "BM" alone begins too many texts.
bool is_bmp(std::string_view start) {
  return start.size() >= 26 && start.substr(0, 2) == "BM" && start.substr(6, 4) == "\0\0\0\0"sv;
}

bool is_text(std::string_view start, bool whole) {
  // ESC is text: logs and captures of terminals have it.
  const auto binary = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7F || (byte < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\x1b');
  };
  if (start.empty() || std::any_of(start.begin(), start.end(), binary)) return false;
  if (is_valid_utf8(start)) return true;
  if (whole) return false;
  // The cut may go through a character: at most three bytes of it are here.
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(start[i]); };
  for (std::size_t cut = 1; cut <= 3 && cut <= start.size(); ++cut) {
    const std::size_t lead = start.size() - cut;
    if ((byte_at(lead) & 0xC0U) == 0x80U) continue;
    const std::size_t length = byte_at(lead) >= 0xF0 ? 4 : byte_at(lead) >= 0xE0 ? 3 : 2;
    return byte_at(lead) >= 0xC2 && byte_at(lead) <= 0xF4 && cut < length && is_valid_utf8(start.substr(0, lead));
  }
  return false;
}

}  // namespace

Sniffed sniff(ByteView beginning, bool whole) {
  std::string_view start = as_text(beginning);
  // Cut here, so that a caller who has more of the file gets the same answer.
  if (start.size() > sniffed_bytes) {
    start = start.substr(0, sniffed_bytes);
    whole = false;
  }
  if (start.starts_with("age-encryption.org/v1\n") || start.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"))
    return {unknown, true};
  // A text that begins with "BZh" or "ID3" is a text: those of the magics that may_be_text are only believed of what is
  // binary.
  const bool text = is_text(start, whole);
  for (const Magic& magic : magics)
    if (has(start, magic) && !(text && magic.may_be_text)) return {magic.type, false};
  if (text) return {"text/plain; charset=utf-8", false};
  if (start.size() >= 12 && start.starts_with("RIFF"))
    for (const Magic& riff : riffs)
      if (start.substr(8, 4) == riff.bytes) return {riff.type, false};
  if (const auto type = media_type(start); !type.empty()) return {type, false};
  if (const auto type = matroska_type(start); !type.empty()) return {type, false};
  if (is_mpeg_audio(start)) return {"audio/mpeg", false};
  if (is_bmp(start)) return {"image/bmp", false};
  return {unknown, false};
}

}  // namespace qrx::wire
