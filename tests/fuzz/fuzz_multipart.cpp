// Forms: reading in two pieces and byte by byte gives the same events as reading at once.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/multipart.h"

namespace {

struct Recorder : qrx::wire::FormEvents {
  std::string seen;
  qrx::Result<void> part_begins(const qrx::wire::FormPart& part) override {
    seen += "[" + part.name + "|" + part.filename.value_or("-") + "]";
    return {};
  }
  qrx::Result<void> part_bytes(qrx::ByteView bytes) override {
    seen += qrx::as_text(bytes);
    return {};
  }
  qrx::Result<void> part_ends() override {
    seen += ";";
    return {};
  }
};

std::string read(std::string_view body, std::size_t first, std::size_t rest) {
  Recorder recorder;
  qrx::wire::FormReader reader("XX", recorder);
  for (std::size_t at = 0, piece = first; at < body.size(); at += piece, piece = rest)
    if (!reader.write(qrx::as_bytes(body.substr(at, piece)))) return "!";
  return reader.finish() ? recorder.seen : "!";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)qrx::wire::multipart_boundary(body);
  const std::string whole = read(body, body.size() + 1, 1);
  if (read(body, 1, 1) != whole || read(body, 1 + data[0], body.size() + 1) != whole) std::abort();
  return 0;
}
