#include "vision/caged_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace qrx {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

bool set_limit(__rlimit_resource_t resource, std::uint64_t value) {
  const rlim_t most = value == ChildLimits::none ? RLIM_INFINITY : static_cast<rlim_t>(value);
  rlimit now{};
  // What the user set lower stays.
  if (getrlimit(resource, &now) != 0) return false;
  const rlimit limit{std::min(most, now.rlim_max), std::min(most, now.rlim_max)};
  return setrlimit(resource, &limit) == 0;
}

bool lower_limits(const ChildLimits& limits) {
  return set_limit(RLIMIT_AS, sanitized ? ChildLimits::none : limits.memory_bytes) &&
         set_limit(RLIMIT_CPU, limits.cpu_seconds) && set_limit(RLIMIT_NOFILE, limits.descriptors) &&
         set_limit(RLIMIT_FSIZE, limits.file_bytes) && set_limit(RLIMIT_CORE, 0) &&
         (limits.threads || set_limit(RLIMIT_NPROC, 0));
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Between fork and exec: only async-signal-safe calls. Whatever fails, the child does not start.
[[noreturn]] void become(const ChildPlan& plan, char* const* arguments, char* const* environment, int nothing,
                         pid_t parent) {
  // The three may stand on 0, 1 or 2 already: moved out of the way first.
  const auto away = [nothing](int fd) { return fcntl(fd < 0 ? nothing : fd, F_DUPFD_CLOEXEC, 3); };
  const int in = away(plan.in);
  const int out = away(plan.out);
  const int err = away(plan.err);
  sigset_t none;
  sigemptyset(&none);
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  const bool ready = in >= 0 && out >= 0 && err >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2 &&
                     syscall(SYS_close_range, 3u, ~0u, 0u) == 0 && sigaction(SIGPIPE, &usual, nullptr) == 0 &&
                     sigaction(SIGXFSZ, &ignored, nullptr) == 0 && sigprocmask(SIG_SETMASK, &none, nullptr) == 0 &&
                     prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent && chdir("/") == 0 &&
                     lower_limits(plan.limits);
  if (ready) execve(plan.path.c_str(), arguments, environment);
  _exit(127);
}

}  // namespace

Result<pid_t> start_child(const ChildPlan& plan) {
  const std::string doing = "cannot start " + plan.arguments.front();
  const UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return fail_errno("cannot open /dev/null");
  const auto arguments = pointers_to(plan.arguments);
  const auto environment = pointers_to(plan.environment);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_errno(doing);
  if (pid == 0) become(plan, arguments.data(), environment.data(), nothing.get(), parent);
  return pid;
}

int milliseconds_left(const std::optional<SteadyTime>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

// A helper that closed its output does not run any longer, but a hostile one may.
int reap_child(pid_t pid, bool at_once) {
  if (!at_once) {
    const UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0u)));
    if (handle) {
      pollfd waiting{handle.get(), POLLIN, 0};
      const std::optional<SteadyTime> deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
      while (poll(&waiting, 1, milliseconds_left(deadline)) < 0 && errno == EINTR) {
      }
    }
  }
  int status = 0;
  pid_t gone = at_once ? 0 : waitpid(pid, &status, WNOHANG);
  if (gone == 0) {
    kill(pid, SIGKILL);
    while ((gone = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
    }
  }
  return gone == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Result<std::string> find_private_helper(const std::string& name) {
  std::string self(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
  if (length <= 0 || static_cast<std::size_t>(length) == self.size()) return fail_errno("cannot find " + name);
  self.resize(static_cast<std::size_t>(length));
  const std::string directory = self.substr(0, self.rfind('/'));
  for (const char* place : {"/../libexec/qrx/", "/"})
    if (const std::string path = directory + place + name; access(path.c_str(), X_OK) == 0) return path;
  return fail(Kind::other, "cannot find the private program " + name, "is qrx installed completely?");
}

}  // namespace qrx
