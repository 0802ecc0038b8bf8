// Many HTTP requests at once on one thread of their own (libcurl's multi interface).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::s3 {

struct HttpCall {
  std::string method;  // GET, HEAD, PUT or DELETE
  std::string url;
  std::vector<std::string> headers;  // "name: value"
  // Of PUT: so many bytes, read from anywhere again and again. 0 bytes read, or an error, end the request.
  std::uint64_t body_size = 0;
  std::function<Result<std::size_t>(std::uint64_t at, std::span<char> out)> body;
  std::size_t most_answer = 64U << 10;  // a longer body is an error
  std::size_t expected = 0;             // how long it will be, if that is known
};

struct HttpAnswer {
  long status = 0;
  std::string body;
  std::string content_range;
  std::optional<Millis> ahead;  // of its sender's clock, by Date, before the wall clock of this machine
};

// Thread-safe.
class CurlLoop {
 public:
  struct Options {
    std::string ca_file;  // empty: the system's
    std::size_t most_at_once = 64;
    Millis connect_time{5000};
    Millis stall_time{20000};  // without a byte either way
    Millis longest_time{600000};
  };
  // Runs on the loop's thread; must not wait. Errors are Kind::unavailable (no answer, or not a whole one),
  // Kind::denied when the other side is not who it should be, Kind::other when the loop ends or the body cannot be
  // read.
  using Done = std::function<void(Result<HttpAnswer>)>;

  static Result<std::unique_ptr<CurlLoop>> make(Options options);
  ~CurlLoop();  // what is under way ends with Kind::other

  void start(HttpCall call, Steady not_before, Done done);

 private:
  class Impl;
  explicit CurlLoop(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::s3
