// What src/web/build.mjs makes of the pages, embedded at build.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace qrx::serve {

struct WebPlace {
  std::size_t at;
  std::size_t size;
};

struct WebFile {
  std::string_view name;  // "receive.js"
  std::string_view file;  // "receive.4CXJ2A7B.js": the hash is that of the content
  std::string_view type;
  WebPlace plain, gzip, brotli;
};

struct WebText {
  int language;  // of enum Language
  std::string_view key;
  std::string_view text;
};

std::span<const WebFile> web_files();  // by file
std::span<const WebText> web_texts();
std::string_view web_bytes(const WebPlace& place);

}  // namespace qrx::serve
