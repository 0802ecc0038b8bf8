// One call for all who wait for it.
#include "receive/joined_call.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "unit/catch.h"

using namespace qrx;
using namespace qrx::receive;

TEST_CASE("a call that runs already does not count; the next one is made once for all who wait") {
  for (const bool second_succeeds : {true, false}) {
    JoinedCall joined;
    std::atomic<int> calls{0}, waiting{0}, succeeded{0};
    std::atomic<bool> go_on{false};
    std::atomic<bool> first_succeeded{false};
    std::thread first([&] {
      first_succeeded = joined.run([&] {
        ++calls;
        while (!go_on) std::this_thread::yield();
        return true;
      });
    });
    while (calls == 0) std::this_thread::yield();
    std::vector<std::thread> others;
    for (int i = 0; i < 4; ++i)
      others.emplace_back([&] {
        ++waiting;
        if (joined.run([&] {
              ++calls;
              return second_succeeds;
            }))
          ++succeeded;
      });
    while (waiting < 4) std::this_thread::yield();
    // All of them are in run() by then; one that is late only makes a call more.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(calls == 1);
    go_on = true;
    first.join();
    for (auto& other : others) other.join();
    CHECK(first_succeeded);
    CHECK(calls >= 2);
    CHECK(calls <= 3);
    CHECK(succeeded == (second_succeeds ? 4 : 0));
  }
}

TEST_CASE("a failure is told to those whom it concerns, and to nobody after them") {
  JoinedCall joined;
  CHECK(joined.run([] { return true; }));
  CHECK(!joined.run([] { return false; }));
  CHECK(joined.run([] { return true; }));
}
