// How long is waited, how fast is sent, what a refusal says.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "api/rate_limiter.h"
#include "api/refusals.h"
#include "api/retry.h"
#include "unit/catch.h"

using namespace qrx;
using namespace qrx::api;

TEST_CASE("trying again ends: at once for what does not get better, after its time for what might") {
  const http::Interrupt interrupt;
  int notices = 0;
  Backoff backoff(interrupt, {Millis(1), Millis(4), Millis(40)}, [&](const std::string&, bool) { ++notices; });
  CHECK(!backoff.wait({Kind::not_found, "gone", ""}));
  CHECK(notices == 0);
  const Error trouble{Kind::unavailable, "cut", ""};
  int attempts = 0;
  while (backoff.wait(trouble)) ++attempts;
  CHECK(attempts > 0);
  CHECK(notices == attempts);
  backoff.progress();
  CHECK(backoff.wait(trouble));
  // Who is asked to come back after a minute does not hammer for 40 ms.
  CHECK(!backoff.wait(trouble, Millis(60'000)));
}

TEST_CASE("a pause is told once and then counted down, second by second") {
  http::Interrupt interrupt;
  std::vector<std::string> told;
  Backoff backoff(interrupt, {Millis(1), Millis(4), Millis(60'000)}, [&](const std::string& text, bool counting) {
    told.push_back((counting ? "counting: " : "") + text);
    if (counting) interrupt.raise();  // nobody waits for the rest of it here
  });
  CHECK(!backoff.wait({Kind::unavailable, "cut", ""}, Millis(7'010)));
  CHECK(told == std::vector<std::string>{"cut; retrying in 8 s", "counting: cut; retrying in 7 s"});
}

namespace {

// A client whose answers asked for a pause.
struct Asking {
  std::optional<Millis> asked;
  int closed = 0;
  std::optional<Millis> asked_pause() const { return asked; }
  void close() { ++closed; }
};

}  // namespace

TEST_CASE("the retrying call goes on after trouble, closes what failed, and ends when trying again is of no use") {
  const http::Interrupt interrupt;
  const RetryPolicy quick{Millis(1), Millis(1), Millis(10'000)};
  Asking client;
  int attempts = 0;
  const auto done = retry(client, Backoff(interrupt, quick, nullptr), [&]() -> Result<int> {
    if (++attempts < 3) return fail(Kind::unavailable, "cut");
    return 7;
  });
  CHECK(done == 7);
  CHECK(attempts == 3);
  CHECK(client.closed == 2);
  const auto refused = retry(client, Backoff(interrupt, quick, nullptr),
                             [&]() -> Result<void> { return fail(Kind::not_found, "gone"); });
  CHECK(refused.error().what == "gone");
}

TEST_CASE("a judge sends an attempt on at once, or ends it in its own words; what the server asks for is kept") {
  const http::Interrupt interrupt;
  Backoff backoff(interrupt, {Millis(60'000), Millis(60'000), Millis(120'000)}, nullptr);
  Asking client;
  client.asked = Millis(5);
  int attempts = 0;
  Asked seen;
  const auto ended = retry(
      client, backoff,
      [&]() -> Result<void> {
        ++attempts;
        return fail(Kind::conflict, "another offset");
      },
      [&](const Error&, Asked asked) -> Result<Next> {
        seen = asked;
        if (attempts < 4) return Next::at_once;
        return fail(Kind::integrity, "too often");
      });
  CHECK(attempts == 4);
  CHECK(ended.error().what == "too often");
  CHECK(seen == Millis(5));
}

TEST_CASE("an interrupt ends a sleep") {
  http::Interrupt interrupt;
  std::thread raiser([&] {
    std::this_thread::sleep_for(Millis(10));
    interrupt.raise();
  });
  const auto begun = std::chrono::steady_clock::now();
  CHECK(!api::sleep_interruptible(interrupt, Millis(30'000)));
  CHECK(std::chrono::steady_clock::now() - begun < Millis(5'000));
  raiser.join();
}

TEST_CASE("a rate limiter lets through as much as it says") {
  const http::Interrupt interrupt;
  RateLimiter limiter(1'000'000);
  CHECK(limiter.piece(1 << 20) == 100'000);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) REQUIRE(limiter.take(50'000, interrupt));
  const auto time = std::chrono::steady_clock::now() - begun;
  CHECK(time >= Millis(90));
  RateLimiter none(0);
  CHECK(none.piece(77) == 77);
  CHECK(none.take(1ULL << 60, interrupt));
}

TEST_CASE("a server's refusal is told in its words, made harmless") {
  http::ClientAnswer answer;
  answer.status = 413;
  answer.headers = {{"Content-Type", "application/problem+json"}};
  answer.body = R"({"status":413,"title":"too large","detail":"only 5 bytes\u001b[2J left"})";
  CHECK(refusal(answer, "upload").what == "cannot upload: only 5 bytes\\x1b[2J left");
  CHECK(refusal(answer, "upload").kind == Kind::too_large);
  // For now, if the server says when to come again.
  answer.headers.push_back({"Retry-After", "7"});
  CHECK(retry_after(answer) == Millis(7000));
  for (const int status : {413, 507}) {
    answer.status = status;
    CHECK(refusal(answer, "upload").kind == Kind::no_room_now);
    CHECK(is_temporary(refusal(answer, "upload").kind));
  }
  answer.status = 404;
  CHECK(refusal(answer, "upload").what == "this link does not exist or has expired");
  answer.status = 502;
  answer.headers = {{"Content-Type", "text/html"}};
  CHECK(refusal(answer, "upload").what == "cannot upload: the server answered 502");
  CHECK(is_temporary(refusal(answer, "upload").kind));
  answer.status = 507;
  CHECK(!is_temporary(refusal(answer, "upload").kind));
}
