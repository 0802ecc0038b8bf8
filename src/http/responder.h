// cpp-httplib at work: one clean request goes in, the bytes of the answer come out. No other file names the library.
//
// The library never sees a byte from the network: its own reader, router, ranges, decoders and limits have known holes
// (tests/cli/front-framing.py tries them). It gets a head that we wrote, and makes the head of the answer; what it adds
// is checked, the wrong parts are taken out, and the framing is ours. A head that it has made is remembered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/exchange.h"

namespace qrx::http {

// What the Connection header says.
enum class Persistence : std::uint8_t { keep_alive, keep_alive_1_0, close };

// Thread-safe.
class Responder {
 public:
  Responder();
  ~Responder();

  // The bytes for the wire of a whole answer; empty when the library failed.
  std::string respond(const std::string& method, const Answer& answer, Persistence persistence) const;

  // How the body of an answer is delimited when it comes from a source.
  struct SourceBody {
    std::optional<std::uint64_t> length;
    bool chunked = false;  // neither: the body ends with the connection
  };

  // The head of an answer whose body comes from a source, up to and with the empty line; empty when the library failed.
  std::string respond_with_head(const std::string& method, const Answer& head, const SourceBody& body,
                                Persistence persistence) const;

 private:
  struct Library;
  const std::string& head_lines(const std::string& method, const Answer& answer) const;
  std::unique_ptr<Library> library_;
};

}  // namespace qrx::http
