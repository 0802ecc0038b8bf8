// The contents of many files in one answer: only what was asked for comes out of it, each once, in order and of its
// size.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "wire/file_contents.h"

namespace {

qrx::Id named(char letter) {
  return *qrx::Id::parse(std::string(26, letter));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using qrx::wire::AskedFile;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::array<AskedFile, 3> asked{AskedFile{named('a'), 0}, AskedFile{named('e'), 5}, AskedFile{named('i'), 1}};
  if (const auto contents = qrx::wire::parse_contents(text, asked)) {
    if (size > qrx::wire::most_contents_bytes(asked) || contents->size() > asked.size()) std::abort();
    std::size_t next = 0;
    std::string again;
    for (const auto& file : *contents) {
      if (file.asked < next || file.asked >= asked.size()) std::abort();
      if (file.bytes.size() != asked[file.asked].size) std::abort();
      next = file.asked + 1;
      qrx::wire::add_contents(again, asked[file.asked].file, file.xxh128, file.bytes);
    }
    const auto same = qrx::wire::parse_contents(again, asked);
    if (!same || same->size() != contents->size()) std::abort();
  }
  if (const auto ids = qrx::wire::parse_contents_query(text)) {
    if (ids->empty() || ids->size() > qrx::wire::most_contents_files) std::abort();
    if (qrx::wire::parse_contents_query(qrx::wire::contents_query(*ids)) != *ids) std::abort();
  }
  return 0;
}
