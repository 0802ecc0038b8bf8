// Sinks and sources that tell what became of them, and requests with bodies: what the tests of bodies start from.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "running_front.h"

namespace front_test {

struct Seen {
  std::mutex mutex;
  std::string body;
  std::atomic<std::size_t> bytes{0};
  std::atomic<int> finished{0}, abandoned{0}, destroyed{0}, completed{0}, broken_off{0};
  std::atomic<std::uint64_t> unsent{0};
};

class Sink final : public BodySink {
 public:
  Sink(Seen& seen, std::size_t most = SIZE_MAX) : seen_(seen), most_(most) {}
  ~Sink() override { ++seen_.destroyed; }
  Result<void> write(ByteView bytes) override {
    if (seen_.bytes + bytes.size() > most_) return fail(Kind::too_large, "too much");
    seen_.bytes += bytes.size();
    const std::lock_guard lock(seen_.mutex);
    seen_.body += as_text(bytes);
    return {};
  }
  Reply finish() override {
    ++seen_.finished;
    return text_answer(std::to_string(seen_.bytes));
  }
  std::optional<Answer> on_error(const Error& error) override {
    if (error.kind != Kind::too_large) return std::nullopt;
    return text_answer("own answer", 413);
  }
  void abandon() override { ++seen_.abandoned; }

 private:
  Seen& seen_;
  const std::size_t most_;
};

class Source final : public BodySource {
 public:
  Source(Seen& seen, std::function<Next()> next) : seen_(seen), next_(std::move(next)) {}
  ~Source() override { ++seen_.destroyed; }
  Next next() override { return next_(); }
  bool wants_acknowledgement() const override { return true; }
  void completed() override { ++seen_.completed; }
  void broken_off(std::uint64_t unsent) override {
    ++seen_.broken_off;
    seen_.unsent = unsent;
  }

 private:
  Seen& seen_;
  const std::function<Next()> next_;
};

// Gives the pieces one after the other, then the end.
inline std::function<BodySource::Next()> pieces(std::vector<BodySource::Next> list) {
  auto rest = std::make_shared<std::vector<BodySource::Next>>(std::move(list));
  return [rest]() -> BodySource::Next {
    if (rest->empty()) return BodySource::End{};
    auto next = std::move(rest->front());
    rest->erase(rest->begin());
    return next;
  };
}

inline Send send_of(Seen& seen, std::optional<std::uint64_t> length, std::function<BodySource::Next()> next) {
  Send send;
  send.head.type = "application/octet-stream";
  send.length = length;
  send.source = std::make_unique<Source>(seen, std::move(next));
  return send;
}

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761U) >> 24);
  return text;
}

class TempFile {
 public:
  explicit TempFile(std::string_view bytes) : file_(std::tmpfile()) {
    REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size());
    std::fflush(file_);
  }
  ~TempFile() { std::fclose(file_); }
  int fd() const { return ::fileno(file_); }

 private:
  std::FILE* file_;
};

inline Handler receive_into(Seen& seen, std::size_t most = SIZE_MAX) {
  return [&seen, most](const auto& request) -> Reply {
    if (request->method == "GET") return text_answer("get");
    return Receive{std::make_unique<Sink>(seen, most)};
  };
}

inline std::string put(const std::string& headers, const std::string& body = {}) {
  return "PUT /x HTTP/1.1\r\nHost: qrx\r\n" + headers + "\r\n" + body;
}

inline ServerOptions with(const std::function<void(ServerOptions&)>& change) {
  auto options = quick_options();
  change(options);
  return options;
}

}  // namespace front_test
