#include "unit/catch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "process/child.h"
#include "process/find_program.h"
#include "process/pipe.h"
#include "process/run_program.h"

using namespace qrx;
using namespace qrx::process;

namespace {

Program shell(const std::string& script) {
  Program program;
  program.plan.path = "/bin/sh";
  program.plan.arguments = {"sh", "-c", script};
  program.plan.own_group = true;
  program.most_output = 1000;
  program.limit = Millis{60'000};
  return program;
}

Ran ran(const Program& program) {
  std::signal(SIGPIPE, SIG_IGN);  // as run() requires it
  auto out = run(program);
  REQUIRE(out);
  return *out;
}

}  // namespace

TEST_CASE("a program's output and exit status come back, its input goes in") {
  Program program = shell("cat; exit 3");
  program.input = "words";
  const Ran all = ran(program);
  CHECK(all.how == Ran::How::to_its_end);
  CHECK(all.output == "words");
  CHECK(all.ended.status == 3);
  CHECK(all.ended.signal == 0);
}

TEST_CASE("a program that reads nothing is not waited for, however long its input") {
  const std::string long_input(1 << 20, 'x');
  Program program = shell("exec <&-; echo done");
  program.input = long_input;
  CHECK(ran(program).output == "done\n");
}

TEST_CASE("what cannot be started is an error that says why; nothing runs") {
  ChildPlan plan;
  plan.path = "/nonexistent/program";
  plan.arguments = {"program"};
  const auto missing = Child::start(plan);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == Kind::other);
  CHECK(missing.error().what == "cannot start /nonexistent/program: no such file or directory");
  plan.path = "/bin/sh";
  plan.environment = {"LONG=" + std::string(1 << 22, 'x')};
  const auto long_one = Child::start(plan);
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().kind == Kind::too_large);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("more output than is taken ends the program, or only its end is kept") {
  Program program = shell("while :; do echo 0123456789; done");
  program.most_output = 100;
  CHECK(ran(program).how == Ran::How::too_much_output);
  program.plan.arguments.back() = "i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done; echo last >&2";
  program.keeps_end = true;
  program.with_complaints = true;
  const Ran kept = ran(program);
  CHECK(kept.how == Ran::How::to_its_end);
  CHECK(kept.output.size() == 100);
  CHECK(kept.output.substr(90) == "8\n99\nlast\n");
}

TEST_CASE("a program is ended at its limit, when asked to, and some time after it closed its output") {
  Program program = shell("echo begun; exec sleep 600");
  program.limit = Millis{200};
  const Ran late = ran(program);
  CHECK(late.how == Ran::How::out_of_time);
  CHECK(late.ended.signal == SIGKILL);

  auto stop = make_pipe();
  REQUIRE(stop);
  stop->write.reset();
  program.limit = std::nullopt;
  program.stop = stop->read.get();
  CHECK(ran(program).how == Ran::How::stopped);

  program = shell("echo said; exec >&- 2>&-; exec sleep 600");
  program.lingering = Millis{50};
  const Ran lingering = ran(program);
  CHECK(lingering.how == Ran::How::to_its_end);
  CHECK(lingering.output == "said\n");
  CHECK(lingering.ended.signal == SIGKILL);
}

TEST_CASE("a signal is told from an exit status") {
  const Ran killed = ran(shell("kill -TERM $$"));
  CHECK(killed.ended.status == -1);
  CHECK(killed.ended.signal == SIGTERM);
  CHECK_FALSE(killed.ended.well());
  CHECK(run_in_time(shell("kill -TERM $$")).error().what == "sh was ended by signal 15");
}

TEST_CASE("what a program leaves behind is ended with its group, where that is wanted") {
  Program program = shell("sleep 600 >/dev/null 2>&1 & echo $!");
  program.plan.ends_group = true;
  program.plan.environment = own_environment();
  const pid_t left = std::stoi(ran(program).output);
  // A killed process that init has not reaped yet is a zombie: it is there, and runs no more.
  const std::string state = "/proc/" + std::to_string(left) + "/stat";
  for (;;) {
    const UniqueFd file(::open(state.c_str(), O_RDONLY | O_CLOEXEC));
    char text[200] = {};
    if (!file || ::read(file.get(), text, sizeof text - 1) <= 0 || std::string(text).find(") Z") != std::string::npos)
      break;
  }
  SUCCEED();
}

TEST_CASE("a child has no descriptor, signal or variable of ours that it was not given") {
  const UniqueFd leaked(::open("/dev/null", O_RDONLY));  // without close-on-exec, on purpose
  ::setenv("QRX_SECRET", "token", 1);
  Program program = shell("echo $QRX_SECRET$GIVEN; pwd; [ -e /proc/$$/fd/" + std::to_string(leaked.get()) +
                          " ] && echo leaked; [ -e /proc/$$/fd/3 ] && echo report; kill -PIPE $$");
  program.plan.environment = {"GIVEN=yes"};
  program.plan.in_root = true;
  const Ran child = ran(program);
  ::unsetenv("QRX_SECRET");
  CHECK(child.output == "yes\n/\n");
  CHECK(child.ended.signal == SIGPIPE);
}

TEST_CASE("descriptors arrive where they belong, also when they stand on each other's places") {
  auto out = make_pipe();
  REQUIRE(out);
  const UniqueFd saved(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10));
  REQUIRE(::dup2(out->write.get(), STDIN_FILENO) == STDIN_FILENO);  // 0 is what becomes 1
  ChildPlan plan;
  plan.path = "/bin/sh";
  plan.arguments = {"sh", "-c", "read -r line; echo got:$line"};
  plan.out = STDIN_FILENO;
  auto child = Child::start(plan);
  REQUIRE(::dup2(saved.get(), STDIN_FILENO) == STDIN_FILENO);
  REQUIRE(child);
  out->write.reset();
  char text[20] = {};
  CHECK(::read(out->read.get(), text, sizeof text) == 5);
  CHECK(std::string(text) == "got:\n");
  CHECK(child->end(Millis{60'000}).well());
  CHECK(child->end(Millis{0}).well());  // always the same
}

TEST_CASE("limits hold: files, descriptors, and no processes beside it") {
  Program program = shell("ulimit -f; ulimit -n; ulimit -c");
  program.plan.limits.emplace().starts_others = true;
  CHECK(ran(program).output == "0\n16\n0\n");
}

TEST_CASE("the limit of processor time ends what computes, never what waits") {
  Program program = shell("while :; do :; done");
  program.plan.limits.emplace().cpu_seconds = 1;
  const Ran busy = ran(program);
  CHECK(busy.how == Ran::How::to_its_end);
  CHECK(busy.ended.signal == SIGKILL);

  // As on a machine with much other work: more than the limit passes on the wall.
  program.plan.arguments.back() = "exec sleep 1.5";
  CHECK(ran(program).ended.well());
}

TEST_CASE("programs are found in absolute directories of PATH, own ones beside the running one") {
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", ".::/nonexistent:/bin", 1);
  CHECK(find_in_path("sh") == "/bin/sh");
  CHECK_FALSE(find_in_path("no-such-program"));
  ::setenv("PATH", before.c_str(), 1);
  CHECK(find_own_program("qrx-unit-process"));
  CHECK(find_own_program("no-such-program").error().what.find("cannot find the program no-such-program beside /") == 0);
}
