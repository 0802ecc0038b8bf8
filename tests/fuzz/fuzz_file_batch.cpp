// Many files in one body: however it is cut, the same files come out, none larger than allowed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/file_batch.h"

namespace {

constexpr std::size_t most_bytes = 64;

std::string read(std::string_view body, std::size_t step) {
  std::string seen;
  qrx::wire::BatchReader reader(most_bytes,
                                [&seen](const qrx::wire::BatchedFile& file, qrx::ByteView bytes) -> qrx::Result<void> {
                                  if (bytes.size() != file.size || bytes.size() > most_bytes) std::abort();
                                  seen += "[" + file.name + "|" + std::string(qrx::as_text(bytes)) + "]";
                                  return {};
                                });
  for (; !body.empty(); body.remove_prefix(std::min(step, body.size())))
    if (!reader.write(qrx::as_bytes(body.substr(0, step)))) return seen + "!";
  return reader.finish() ? seen : seen + "?";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(body, body.size() + 1);
  if (read(body, 1) != whole || read(body, 1U + data[0]) != whole) std::abort();
  (void)qrx::wire::parse_batch_answer(body);
  return 0;
}
