#include "unit/catch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "notify/courier.h"
#include "temp_directory.h"

using namespace qrx;
using namespace qrx::notify;

namespace {

// A helper for the test: a shell script.
struct Helper {
  const test::TempDirectory directory;
  explicit Helper(const std::string& body) {
    std::ofstream(path()) << "#!/bin/bash\ncd " << directory.text() << "\nread -r settings\n" << body;
    ::chmod(path().c_str(), 0755);
  }
  std::string path() const { return directory / "helper"; }
  std::string read(const char* name) const {
    std::ifstream file(directory / name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
};

Notice notice() {
  Notice out;
  out.id = Id::random();
  out.to = *wire::parse_recipient("alice@example.org");
  out.link = "https://qrx.example.org/d/x";
  return out;
}

Settings with_mail() {
  Settings settings;
  settings.transports["mail"]["from"] = "qrx@example.org";
  return settings;
}

}  // namespace

TEST_CASE("a courier says what its helper said, and asks one helper all") {
  const Helper helper("echo x >>started\nwhile read -r line; do echo '{\"state\":\"sent\",\"reason\":\"\"}'; done\n");
  Courier courier(helper.path(), with_mail());
  CHECK(courier.has(wire::Channel::mail));
  CHECK_FALSE(courier.has(wire::Channel::sms));
  for (int i = 0; i < 3; ++i) CHECK(courier.send(notice()).state == Outcome::State::sent);
  CHECK(helper.read("started") == "x\n");
}

TEST_CASE("what is not configured is failed, without a helper") {
  Courier courier("/nonexistent", Settings{});
  CHECK(courier.send(notice()).state == Outcome::State::failed);
}

TEST_CASE("a helper that cannot be started is a failure") {
  Courier courier("/nonexistent", with_mail());
  const Outcome outcome = courier.send(notice());
  CHECK(outcome.state == Outcome::State::failed);
  CHECK(outcome.reason == "cannot start /nonexistent: no such file or directory");
}

TEST_CASE("a helper that dies over a notice leaves it unknown, and another takes the next") {
  const Helper helper(
      "echo x >>started\nread -r line\n[ $(wc -l <started) = 1 ] && kill -9 $$\necho "
      "'{\"state\":\"sent\",\"reason\":\"\"}'\nread -r line\n");
  Courier courier(helper.path(), with_mail());
  CHECK(courier.send(notice()).state == Outcome::State::unknown);
  CHECK(courier.send(notice()).state == Outcome::State::sent);
}

TEST_CASE("a helper that talks nonsense leaves a notice unknown") {
  const Helper helper("read -r line\necho nonsense\nread -r line\n");
  Courier courier(helper.path(), with_mail());
  CHECK(courier.send(notice()).state == Outcome::State::unknown);
}

TEST_CASE("a helper that ended between notices has taken nothing: the next one goes to a new one") {
  const Helper helper("echo x >>started\nread -r line\necho '{\"state\":\"sent\",\"reason\":\"\"}'\n");
  Courier courier(helper.path(), with_mail());
  CHECK(courier.send(notice()).state == Outcome::State::sent);
  // It ends by itself; its end of the socket is closed then.
  while (std::filesystem::exists(helper.directory / "helper") && helper.read("started") == "x\n") {
    const Outcome outcome = courier.send(notice());
    if (outcome.state == Outcome::State::sent) break;
  }
  CHECK(helper.read("started").size() >= 4);
}

TEST_CASE("an interrupted courier ends the send that runs") {
  const Helper helper("read -r line\ntouch waiting\nsleep 60\n");
  Courier courier(helper.path(), with_mail());
  std::thread interrupter([&] {
    while (!std::filesystem::exists(helper.directory / "waiting"))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    courier.interrupt();
  });
  CHECK(courier.send(notice()).state == Outcome::State::unknown);
  interrupter.join();
}

TEST_CASE("a helper gets no descriptors and no secrets of ours") {
  ::setenv("QRX_TOKEN", "secret", 1);
  const Helper helper(
      "ls /proc/self/fd | wc -l >fds\nenv >env\nread -r line\necho '{\"state\":\"sent\",\"reason\":\"\"}'\nread -r "
      "line\n");
  Courier courier(helper.path(), with_mail());
  CHECK(courier.send(notice()).state == Outcome::State::sent);
  ::unsetenv("QRX_TOKEN");
  CHECK(std::stoi(helper.read("fds")) <= 5);  // 0, 1, 2, bash's script, and that of ls
  CHECK(helper.read("env").find("secret") == std::string::npos);
}
