#include "notify/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/unique_fd.h"
#include "notify/protocol.h"
#include "notify/transport.h"

namespace qrx::notify {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr int exit_no_exec = 127;
constexpr int exit_temporary = 75;
constexpr std::size_t most_output = 4096;  // the end of it is kept

[[noreturn]] void become(char* const* arguments, int in, int out, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  struct sigaction as_usual {};
  as_usual.sa_handler = SIG_DFL;
  sigaction(SIGPIPE, &as_usual, nullptr);
  const int safe_in = fcntl(in, F_DUPFD_CLOEXEC, 3);
  const int safe_out = fcntl(out, F_DUPFD_CLOEXEC, 3);
  const bool ready = safe_in >= 0 && safe_out >= 0 && dup2(safe_in, 0) == 0 && dup2(safe_out, 1) == 1 &&
                     dup2(safe_out, 2) == 2 && syscall(SYS_close_range, 3u, ~0u, 0u) == 0 &&
                     sigprocmask(SIG_SETMASK, &none, nullptr) == 0 && setpgid(0, 0) == 0 &&
                     prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
  if (ready) execv(arguments[0], arguments);
  _exit(exit_no_exec);
}

// Feeds and listens until the program closed its output, or the time is over (false).
bool converse(UniqueFd& in, int out, std::string_view input, SteadyClock::time_point deadline, std::string& output) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return false;
    if (input.empty()) in.reset();
    pollfd waiting[2] = {{out, POLLIN, 0}, {in ? in.get() : -1, POLLOUT, 0}};
    const int ready = poll(waiting, 2, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    if (waiting[1].revents != 0) {
      const ssize_t done = ::write(in.get(), input.data(), input.size());
      if (done < 0 && errno != EINTR && errno != EAGAIN) input = {};  // it does not want to read more
      if (done > 0) input.remove_prefix(static_cast<std::size_t>(done));
    }
    if (waiting[0].revents != 0) {
      char buffer[1024];
      const ssize_t got = read(out, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return true;
      output.append(buffer, static_cast<std::size_t>(got));
      if (output.size() > most_output) output.erase(0, output.size() - most_output);
    }
  }
}

// Waits for its end until the deadline; false when it had to be killed.
bool reap(pid_t child, SteadyClock::time_point deadline, int& status) {
  const UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0u)));
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd waiting{handle.get(), POLLIN, 0};
    const int ready = handle && left > 0 ? poll(&waiting, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    const bool in_time = ready > 0;
    kill(-child, SIGKILL);  // what it left behind, too
    if (!in_time) kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return in_time;
  }
}

std::string last_line(std::string_view output) {
  while (!output.empty() && (output.back() == '\n' || output.back() == ' ' || output.back() == '\r'))
    output.remove_suffix(1);
  const auto newline = output.rfind('\n');
  return one_line(newline == std::string_view::npos ? output : output.substr(newline + 1));
}

}  // namespace

Outcome run_command(const std::vector<std::string>& command, std::string_view input, Seconds limit) {
  int in_ends[2];
  int out_ends[2];
  if (pipe2(in_ends, O_CLOEXEC) != 0) return later("cannot start a command");
  UniqueFd child_in(in_ends[0]);
  UniqueFd in(in_ends[1]);
  if (fcntl(in.get(), F_SETFL, O_NONBLOCK) != 0 || pipe2(out_ends, O_CLOEXEC) != 0)
    return later("cannot start a command");
  const UniqueFd out(out_ends[0]);
  UniqueFd child_out(out_ends[1]);
  std::vector<std::string> texts = command;
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  const auto deadline = SteadyClock::now() + limit;
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return later("cannot start a command");
  if (child == 0) become(arguments.data(), child_in.get(), child_out.get(), parent);
  child_in.reset();
  child_out.reset();

  std::string output;
  const bool closed = converse(in, out.get(), input, deadline, output);
  in.reset();
  int status = 0;
  const bool in_time = reap(child, closed ? deadline : SteadyClock::now(), status) && closed;
  const std::string said = last_line(output);
  const std::string reason = said.empty() ? "" : ": " + said;
  if (!in_time) return unknown("the command took too long" + reason);
  if (WIFSIGNALED(status)) return unknown("the command was ended by signal " + std::to_string(WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  if (code == 0) return sent();
  if (code == exit_no_exec && output.empty()) return failed("cannot start " + command.front());
  if (code == exit_temporary) return later("exit status 75" + reason);
  return failed("exit status " + std::to_string(code) + reason);
}

}  // namespace qrx::notify
