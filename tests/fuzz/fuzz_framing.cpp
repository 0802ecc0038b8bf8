// Heads and chunked bodies: no split of the bytes into packets changes what they mean.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "http/framing.h"
#include "http/syntax.h"

namespace {

using namespace qrx;
using namespace qrx::http;

struct Scanned {
  HeadScanner::State state = HeadScanner::State::more;
  std::size_t size = 0;
  int status = 0;
  bool operator==(const Scanned&) const = default;
};

Scanned scan(std::string_view text, std::size_t split) {
  HeadScanner scanner({64, 256, 6});
  scanner.scan(text.substr(0, split));
  scanner.scan(text);
  const bool complete = scanner.state() == HeadScanner::State::complete;
  return {scanner.state(), complete ? scanner.size() : 0, complete ? 0 : scanner.flaw().status};
}

struct Decoded {
  std::string body;
  std::size_t taken = 0;
  bool ended = false;
  bool broken = false;
  bool operator==(const Decoded&) const = default;
};

void feed(ChunkDecoder& decoder, std::string_view text, Decoded& result) {
  while (!text.empty() && !result.ended && !result.broken) {
    const auto step = decoder.next(as_bytes(text));
    if (step.taken > text.size() || step.data.size() > step.taken) std::abort();
    result.body += as_text(step.data);
    result.taken += step.taken;
    result.ended = step.state == ChunkDecoder::State::end;
    result.broken = step.state == ChunkDecoder::State::broken;
    text.remove_prefix(step.taken);
  }
}

Decoded decode(std::string_view text, std::size_t split) {
  ChunkDecoder decoder;
  Decoded result;
  feed(decoder, text.substr(0, split), result);
  feed(decoder, text.substr(split), result);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2048) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scanned = scan(text, size);
  const auto decoded = decode(text, size);
  for (std::size_t split = 0; split < size; ++split)
    if (scan(text, split) != scanned || decode(text, split) != decoded) std::abort();

  if (scanned.state == HeadScanner::State::complete) {
    const auto head = text.substr(0, scanned.size);
    if (const auto request = parse_request_head(head)) {
      const auto& [method, path, query, headers, peer, by_proxy, control, has_body, length] = request->request;
      if (path.empty() || (path[0] != '/' && path != "*") || path.find('?') != std::string::npos) std::abort();
      if (has_body && (method == "GET" || method == "HEAD")) std::abort();
      for (const auto& [name, value] : headers)
        if (!is_token(name) || !is_field_value(value)) std::abort();
    }
    (void)parse_response_head(head, "GET");
  }
  return 0;
}
