#include "process/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/time_left.h"
#include "process/pipe.h"

extern char** environ;

namespace qrx::process {
namespace {

// Address and thread sanitizers reserve terabytes of address space.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// The first after 0, 1 and 2: everything from 4 on is closed at once.
constexpr int report_fd = 3;  // in the child: the errno of what failed goes there; exec closes it
// What shells say for "command not found".
constexpr int exit_no_exec = 127;
// Short enough for a person not to notice, long enough not to show in CPU time.
constexpr Millis pause_without_handle{5};

bool set_limit(__rlimit_resource_t resource, std::uint64_t value) {
  const rlim_t most = value == Limits::none ? RLIM_INFINITY : static_cast<rlim_t>(value);
  rlimit now{};
  if (getrlimit(resource, &now) != 0) return false;
  // A hard limit cannot be raised again without privilege, so a lower one of the user's stays.
  const rlimit limit{std::min(most, now.rlim_max), std::min(most, now.rlim_max)};
  return setrlimit(resource, &limit) == 0;
}

bool lower_limits(const Limits& limits) {
  return set_limit(RLIMIT_AS, sanitized ? Limits::none : limits.memory_bytes) &&
         set_limit(RLIMIT_CPU, limits.cpu_seconds) && set_limit(RLIMIT_NOFILE, limits.descriptors) &&
         set_limit(RLIMIT_FSIZE, limits.file_bytes) && set_limit(RLIMIT_CORE, 0) &&
         (limits.starts_others || set_limit(RLIMIT_NPROC, 0));
}

// Made before fork: allocating in the child could wait for ever for a lock that another thread held.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Our handlers must not run in the child, and what we ignore would stay ignored in the program: SIGPIPE and SIGXFSZ are
// as usual again, but a program with limits is to see its write fail. What our own parent had ignored (nohup) stays.
void reset_signals(bool limited) {
  struct sigaction action {};
  for (int number = 1; number < NSIG; ++number) {
    if (sigaction(number, nullptr, &action) != 0 || action.sa_handler == SIG_DFL) continue;
    if (action.sa_handler == SIG_IGN && number != SIGPIPE && number != SIGXFSZ) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, nullptr);
  }
  if (limited) {
    action = {};
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, nullptr);
  }
}

struct Prepared {
  const ChildPlan& plan;
  std::vector<char*> arguments, environment;
  int nothing;  // /dev/null
  int report;
  pid_t parent;
};

// Leaves 0, 1, 2 and report_fd, nothing else. `report` is where the parent hears of trouble, whenever it comes: until
// the end, what stands at report_fd may be anybody's.
bool arrange_descriptors(const Prepared& child, int& report) {
  // The three may stand on 0 to 3 already: moved out of the way first.
  const auto away = [&](int fd) { return fcntl(fd < 0 ? child.nothing : fd, F_DUPFD_CLOEXEC, report_fd + 1); };
  const int in = away(child.plan.in), out = away(child.plan.out), err = away(child.plan.err);
  const int moved = away(child.report);
  if (moved < 0) return false;
  report = moved;
  if (in < 0 || out < 0 || err < 0 || dup2(in, 0) != 0 || dup2(out, 1) != 1 || dup2(err, 2) != 2) return false;
  // CLOEXEC on report_fd: that exec has worked shows in the parent by the end of the pipe, without a byte.
  if (dup3(moved, report_fd, O_CLOEXEC) != report_fd) return false;
  report = report_fd;
  return syscall(SYS_close_range, report_fd + 1U, ~0U, 0U) == 0;
}

// Between fork and exec: only async-signal-safe calls. All signals are blocked until the program begins. Whatever
// fails, the program does not start, and the parent learns why.
[[noreturn]] void become(const Prepared& child) {
  const ChildPlan& plan = child.plan;
  sigset_t none;
  sigemptyset(&none);
  reset_signals(plan.limits.has_value());
  int report = child.report;
  const bool ready = arrange_descriptors(child, report) && (!plan.own_group || setpgid(0, 0) == 0) &&
                     (plan.death_signal == 0 ||
                      // The parent may have ended between fork and prctl: then no signal would ever come.
                      (prctl(PR_SET_PDEATHSIG, plan.death_signal, 0, 0, 0) == 0 && getppid() == child.parent)) &&
                     (!plan.no_core || set_limit(RLIMIT_CORE, 0)) && (!plan.in_root || chdir("/") == 0) &&
                     // Last of all, since from here on a signal can end the child.
                     (!plan.limits || lower_limits(*plan.limits)) && sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  if (ready) execve(plan.path.c_str(), child.arguments.data(), child.environment.data());
  const int error = errno;
  (void)!write(report, &error, sizeof error);
  _exit(exit_no_exec);
}

tl::unexpected<Error> no_room(const std::string& doing, int error) {
  return fail(Kind::unavailable, fail_errno(doing, error).value().what);
}

Ended ended_by(int status) {
  if (WIFEXITED(status)) return {WEXITSTATUS(status), 0};
  return {-1, WTERMSIG(status)};
}

}  // namespace

Child::Child(pid_t pid, UniqueFd handle, const ChildPlan& plan)
    : pid_(pid), handle_(std::move(handle)), own_group_(plan.own_group), ends_group_(plan.ends_group) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      handle_(std::move(other.handle_)),
      own_group_(other.own_group_),
      ends_group_(other.ends_group_),
      ended_(other.ended_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(handle_, other.handle_);
  std::swap(own_group_, other.own_group_);
  std::swap(ends_group_, other.ends_group_);
  std::swap(ended_, other.ended_);
  return *this;
}

Child::~Child() {
  end(Millis{0});
}

Result<Child> Child::start(const ChildPlan& plan) {
  const std::string doing = "cannot start " + plan.path;
  const UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return no_room(doing, errno);
  auto report = make_pipe();
  if (!report) return tl::unexpected(report.error());
  const Prepared child{plan,          pointers_to(plan.arguments), pointers_to(plan.environment),
                       nothing.get(), report->write.get(),         getpid()};
  // A signal between fork and exec would run our handler in the child, on descriptors that it shares with us.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) become(child);
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return no_room(doing, fork_error);
  // Ours must be closed, or the end of the pipe never comes.
  report->write.reset();
  // Without it (ENOSYS, EPERM in some sandboxes) wait() asks again and again.
  Child started(pid, UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U))), plan);
  int error = 0;
  ssize_t got = -1;
  while ((got = read(report->read.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  // Nothing was written and the end is there: exec closed it.
  if (got == 0) return started;
  if (error == E2BIG) return fail(Kind::too_large, doing + ": its arguments and environment are too long");
  return fail_errno(doing, error);
}

bool Child::running() const {
  siginfo_t info{};
  // WNOWAIT: it stays to be reaped, so that its number cannot be another's meanwhile.
  return pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

// REQUIRES: it has ended. Until it is reaped nobody else can get the number of its process or group.
Ended Child::reap() {
  // What it left behind in its group, as long as its number is still taken.
  if (ends_group_) kill(-pid_, SIGKILL);
  int status = 0;
  pid_t gone = -1;
  while ((gone = waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
  }
  if (gone == pid_) ended_ = ended_by(status);
  pid_ = -1;
  return ended_;
}

std::optional<Ended> Child::wait(std::optional<Steady> deadline) {
  if (pid_ < 0) return ended_;
  while (running()) {
    const int left = milliseconds_left(deadline);
    if (left == 0) return std::nullopt;
    // No pidfd_open(2) here.
    if (!handle_) {
      std::this_thread::sleep_for(pause_without_handle);
      continue;
    }
    pollfd waiting{handle_.get(), POLLIN, 0};
    (void)poll(&waiting, 1, left);
  }
  return reap();
}

void Child::signal(int number) {
  if (pid_ > 0) kill(own_group_ ? -pid_ : pid_, number);
}

Ended Child::end(Millis patience) {
  // The deadline of `patience`, then no mercy: SIGKILL cannot be ignored, so the second wait ends.
  if (const auto ended = wait(std::chrono::steady_clock::now() + patience)) return *ended;
  signal(SIGKILL);
  return *wait(std::nullopt);
}

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** at = environ; *at != nullptr; ++at) out.emplace_back(*at);
  return out;
}

}  // namespace qrx::process
