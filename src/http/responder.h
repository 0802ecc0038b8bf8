// cpp-httplib at work: one clean request goes in, the bytes of the answer come out. No other file names the library.
//
// The library never sees a byte from the network: its own reader, router, ranges, decoders and limits have known holes
// (tests/cli/front-framing.py tries them). It gets a head that we wrote and calls our handler as its one route; what it adds to
// the answer is checked, and the wrong parts are taken out.
#pragma once

#include <cstdint>
#include <functional>
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

  // How the body of an answer is delimited when it comes from a source.
  struct SourceBody {
    std::optional<std::uint64_t> length;
    bool chunked = false;  // neither: the body ends with the connection
  };

  // Runs `route` inside the library. When it gives an answer, the library's response to it is returned, unfinished:
  // finish() makes the bytes for the wire of it. When `route` gives nothing, so does this, and when it throws.
  std::optional<std::string> respond(const std::string& method, const std::function<const Answer*()>& route) const;

  // The head of an answer whose body comes from a source; also unfinished.
  std::string respond_with_head(const std::string& method, const Answer& head, const SourceBody& body) const;

  // Corrects the head of a response of ours: reason, Connection, Date, and nothing that does not belong.
  static std::string finish(const std::string& response, const Answer& answer, Persistence persistence);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace qrx::http
