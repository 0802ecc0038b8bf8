#include "unit/catch.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "term/progress.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::term;

TEST_CASE("columns are counted as a terminal shows them") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("\u4F60\u597D") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("\U0001F600") == 2);
  CHECK(display_width("\u00e9") == 1);
  CHECK(display_width("\xff\xfe") == 2);
  CHECK(front_of_width("\u4F60\u597D", 3) == "\u4F60");
  CHECK(front_of_width("abc", 2) == "ab");
  CHECK(front_of_width("abc", 9) == "abc");
}

TEST_CASE("colours follow NO_COLOR, TERM and COLORTERM") {
  const auto depth = [](const char* term, const char* colorterm, const char* no_color) {
    ::setenv("TERM", term, 1);
    ::setenv("COLORTERM", colorterm, 1);
    ::setenv("NO_COLOR", no_color, 1);
    const auto found = colour_depth();
    for (const auto* name : {"TERM", "COLORTERM", "NO_COLOR"}) ::unsetenv(name);
    return found;
  };
  CHECK(depth("xterm-256color", "", "") == Depth::palette);
  CHECK(depth("xterm-256color", "truecolor", "") == Depth::truecolour);
  CHECK(depth("xterm-256color", "truecolor", "1") == Depth::none);
  CHECK(depth("xterm", "", "") == Depth::sixteen);
  CHECK(depth("dumb", "truecolor", "") == Depth::none);
  CHECK(depth("", "", "") == Depth::none);
  CHECK(depth("vt100", "", "") == Depth::none);
  CHECK(depth("unheard-of", "", "") == Depth::eight);
}

TEST_CASE("the progress line fits every width, and hides below 40 columns") {
  Progress progress{"a-rather-long-name-of-a-photograph.jpg", 12'900'000, 28'400'000, 5'400'000};
  CHECK(progress_line(progress, 100) ==
        "a-rather-long-name-of-a-photograph.jpg   45 %  12.3 of 27.1 MiB  5.1 MiB/s  3 s left");
  for (int columns = 40; columns < 120; ++columns) {
    const auto line = progress_line(progress, columns);
    CHECK(display_width(line) < static_cast<std::size_t>(columns));
    CHECK(line.find("45 %") != std::string::npos);
  }
  CHECK(progress_line(progress, 39).empty());
  progress.label =
      "\u4F60\u597D\u4F60\u597D\u4F60\u597D\u4F60\u597D\u4F60\u597D\u4F60\u597D\u4F60\u597D\u4F60\u597D.jpg";
  for (int columns = 40; columns < 120; ++columns)
    CHECK(display_width(progress_line(progress, columns)) < static_cast<std::size_t>(columns));
}

TEST_CASE("what is not known is left out, and 100 % means everything") {
  CHECK(progress_line({"x", 1000, std::nullopt, 0}, 80) == "x  1000 B");
  CHECK(progress_line({"x", 999'999, 1'000'000, 0}, 80) == "x   99 %  976.6 of 976.6 KiB");
  CHECK(progress_line({"x", 5, 5, 0}, 80) == "x  100 %  5 of 5 B");
  CHECK(progress_line({"x", 0, 0, 0}, 80) == "x  100 %  0 of 0 B");
}

TEST_CASE("the rate is smooth and forgets") {
  Rate rate;
  Steady now{};
  rate.add(now, 0);
  CHECK(rate.value() == 0);
  rate.add(now += Millis{100}, 100'000);
  CHECK(rate.value() == 0);  // too soon to say
  rate.add(now += Millis{900}, 1'000'000);
  CHECK(rate.value() == Approx(1'000'000));
  rate.add(now += Millis{1000}, 1'000'000);
  CHECK(rate.value() < 800'000);
  CHECK(rate.value() > 600'000);
  for (int i = 0; i < 30; ++i) rate.add(now += Millis{1000}, 1'000'000);
  CHECK(rate.value() < 1000);
}

namespace {

class SetClock final : public Clock {
 public:
  Steady steady() const override { return Steady(passed); }
  WallTime wall() const override { return {}; }
  Millis passed{0};
};

// What a ProgressLine writes.
class Written {
 public:
  Written() { REQUIRE(::pipe(ends_.data()) == 0); }
  ~Written() {
    for (const int end : ends_) ::close(end);
  }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  int fd() const { return ends_[1]; }
  std::string take() {
    REQUIRE(::write(ends_[1], ".", 1) == 1);  // so that there is something to read
    std::array<char, 4096> buffer{};
    const auto read = ::read(ends_[0], buffer.data(), buffer.size());
    REQUIRE(read > 0);
    return {buffer.data(), static_cast<std::size_t>(read) - 1};
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace

TEST_CASE("a terminal that does not move its cursor gets plain lines: a status once, how far it is every ten seconds") {
  ::setenv("TERM", "dumb", 1);
  SetClock clock;
  Written out;
  ProgressLine line(out.fd(), true, clock);
  CHECK(!line.redrawn());
  line.status("Waiting");
  line.clear();
  line.status("Waiting");  // after a message: it is there already
  CHECK(out.take() == "Waiting\n");
  line.update("a.bin", 0, 100 << 20);
  clock.passed = Millis(9900);
  line.update("a.bin", 49 << 20, 100 << 20);
  CHECK(out.take().empty());
  clock.passed = Millis(10'000);
  line.update("a.bin", 50 << 20, 100 << 20);
  const std::string said = out.take();
  CHECK(said.substr(0, 34) == "a.bin   50 %  50.0 of 100.0 MiB  4");
  CHECK(said.back() == '\n');
  CHECK(said.find('\r') == std::string::npos);
  CHECK(said.find('\x1b') == std::string::npos);
  line.update("a.bin", 100 << 20, 100 << 20);  // its end is said by the caller
  CHECK(out.take().empty());
  line.status("Waiting");  // for the next one
  CHECK(out.take() == "Waiting\n");
  ::unsetenv("TERM");
}

TEST_CASE("without progress nothing is written, and where the cursor moves the line is redrawn") {
  ::setenv("TERM", "xterm", 1);
  SetClock clock;
  Written out;
  ProgressLine(out.fd(), false, clock).status("Waiting");
  CHECK(out.take().empty());
  ProgressLine line(out.fd(), true, clock);
  CHECK(line.redrawn());
  line.status("Waiting");
  CHECK(out.take() == "\rWaiting\x1b[K");
  line.clear();
  CHECK(out.take() == "\r\x1b[K");
  ::unsetenv("TERM");
}
