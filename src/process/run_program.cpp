#include "process/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/unique_fd.h"

extern char** environ;

namespace qrx::process {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

int milliseconds_until(Steady deadline) {
  const auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

// Its process id. `out` -1: /dev/null.
Result<pid_t> spawn(const Program& program, int in, int out) {
  std::vector<std::string> words = program.words;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  if (out >= 0)
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  else
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // We ignore these; an ignored signal would stay ignored in the program.
  sigset_t defaults, none;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::sigaddset(&defaults, SIGXFSZ);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("cannot run " + words[0], error);
  return child;
}

tl::unexpected<Error> out_of_time(const Program& program) {
  return fail(Kind::timed_out, program.words[0] + " did not end within " +
                                   std::to_string(std::chrono::ceil<Seconds>(program.limit).count()) + " s");
}

// Feeds and listens, until it has closed its output, or without one until it has ended.
Result<void> converse(const Program& program, UniqueFd in, int out, int handle, Steady deadline, std::string& output) {
  std::string_view input = program.input;
  for (;;) {
    if (input.empty()) in.reset();
    std::array<pollfd, 3> waits{
        {{out >= 0 ? out : handle, POLLIN, 0}, {in ? in.get() : -1, POLLOUT, 0}, {program.stop, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait for " + program.words[0]);
    if (ready == 0) return out_of_time(program);
    if (ready < 0) continue;
    if (waits[2].revents != 0) return fail(Kind::unavailable, "interrupted");
    if (waits[1].revents != 0) {
      const ssize_t put = ::write(in.get(), input.data(), input.size());
      if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
      if (put < 0 && errno != EINTR && errno != EAGAIN) input = {};  // it does not want to read more
    }
    if (waits[0].revents == 0) continue;
    if (out < 0) return {};
    char buffer[16384];
    const ssize_t got = ::read(out, buffer, sizeof buffer);
    if (got == 0) return {};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read from " + program.words[0]);
    output.append(buffer, static_cast<std::size_t>(got));
    if (output.size() > program.most_output)
      return fail(Kind::too_large,
                  program.words[0] + " gave more than " + std::to_string(program.most_output) + " bytes");
  }
}

// What closed its output may still run.
Result<int> wait_for_end(const Program& program, pid_t child, int handle, Steady deadline) {
  for (;;) {
    std::array<pollfd, 2> waits{{{handle, POLLIN, 0}, {program.stop, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return out_of_time(program);
    if (ready < 0 || waits[0].revents == 0) return fail(Kind::unavailable, "interrupted");
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
      if (errno != EINTR) return fail_errno("cannot wait for " + program.words[0]);
    if (WIFSIGNALED(status))
      return fail(Kind::other, program.words[0] + " was ended by signal " + std::to_string(WTERMSIG(status)));
    return WEXITSTATUS(status);
  }
}

}  // namespace

Result<Ran> run_program(const Program& program) {
  auto in = make_pipe();
  if (!in) return tl::unexpected(in.error());
  if (::fcntl(in->write.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("cannot make a pipe");
  Pipe out;
  if (program.most_output > 0) {
    auto made = make_pipe();
    if (!made) return tl::unexpected(made.error());
    out = std::move(*made);
  }
  const Steady deadline = std::chrono::steady_clock::now() + program.limit;
  const auto child = spawn(program, in->read.get(), out.write ? out.write.get() : -1);
  if (!child) return tl::unexpected(child.error());
  in->read.reset();
  out.write.reset();
  Ran ran;
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, *child, 0U)));
  Result<int> status = fail_errno("cannot wait for " + program.words[0]);
  if (handle) {
    const auto heard =
        converse(program, std::move(in->write), out.read ? out.read.get() : -1, handle.get(), deadline, ran.output);
    status = heard ? wait_for_end(program, *child, handle.get(), deadline) : tl::unexpected(heard.error());
  }
  if (status) {
    ran.status = *status;
    return ran;
  }
  ::kill(-*child, SIGKILL);
  while (::waitpid(*child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return tl::unexpected(status.error());
}

bool is_installed(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view left = path != nullptr ? path : "/usr/bin:/bin";
  while (!left.empty()) {
    const auto colon = left.find(':');
    const std::string directory(left.substr(0, colon));
    if (!directory.empty() && ::access((directory + "/" + name).c_str(), X_OK) == 0) return true;
    left = colon == std::string_view::npos ? std::string_view{} : left.substr(colon + 1);
  }
  return false;
}

}  // namespace qrx::process
