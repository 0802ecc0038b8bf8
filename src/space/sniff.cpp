#include "space/sniff.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace qrx::space {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::string_view type;
};

constexpr Magic magics[] = {
    {"\x89PNG\r\n\x1a\n"sv, "image/png"},   {"\xff\xd8\xff"sv, "image/jpeg"},
    {"GIF87a"sv, "image/gif"},              {"GIF89a"sv, "image/gif"},
    {"%PDF-"sv, "application/pdf"},         {"PK\x03\x04"sv, "application/zip"},
    {"PK\x05\x06"sv, "application/zip"},    {"\x1f\x8b\x08"sv, "application/gzip"},
};

// ISO base media: a box "ftyp" whose brands name AV1 images.
bool is_avif(std::string_view start) {
  if (start.size() < 16 || start.substr(4, 4) != "ftyp") return false;
  const auto box = static_cast<std::size_t>(
      (static_cast<unsigned char>(start[2]) << 8) | static_cast<unsigned char>(start[3]));
  const std::size_t end = std::min(box, start.size());
  for (std::size_t at = 8; at + 4 <= end; at += 4) {
    const std::string_view brand = start.substr(at, 4);
    if (at != 12 && (brand == "avif" || brand == "avis")) return true;  // at 12 stands the minor version
  }
  return false;
}

// The dimensions follow at once; "BM" alone begins too many texts.
bool is_bmp(std::string_view start) {
  return start.size() >= 26 && start.substr(0, 2) == "BM" && start.substr(6, 4) == "\0\0\0\0"sv;
}

bool is_text(std::string_view start, bool whole) {
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

constexpr std::string_view age_start = "age-encryption.org/v1\n";

}  // namespace

bool is_sealed(ByteView beginning) { return as_text(beginning).starts_with(age_start); }

bool may_be_sealed(std::uint64_t offset, ByteView bytes) {
  if (offset >= age_start.size()) return true;
  const std::string_view wanted = age_start.substr(static_cast<std::size_t>(offset));
  const std::size_t size = std::min(wanted.size(), bytes.size());
  return as_text(bytes.first(size)) == wanted.substr(0, size);
}

tl::unexpected<Error> sealed_only() {
  return fail(Kind::denied, "this space takes sealed files only",
              "send with qrx-send, or encrypt with age to the key in the link");
}

Sniffed sniff(ByteView beginning, bool whole) {
  std::string_view start = as_text(beginning);
  if (start.size() > sniffed_bytes) {
    start = start.substr(0, sniffed_bytes);
    whole = false;
  }
  if (start.starts_with(age_start) || start.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"))
    return {"application/octet-stream", true};
  for (const Magic& magic : magics)
    if (start.starts_with(magic.bytes)) return {magic.type, false};
  if (start.size() >= 12 && start.starts_with("RIFF") && start.substr(8, 4) == "WEBP") return {"image/webp", false};
  if (is_avif(start)) return {"image/avif", false};
  if (is_bmp(start)) return {"image/bmp", false};
  if (is_text(start, whole)) return {"text/plain; charset=utf-8", false};
  return {"application/octet-stream", false};
}

}  // namespace qrx::space
