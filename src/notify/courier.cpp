#include "notify/courier.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "base/unique_fd.h"
#include "notify/protocol.h"
#include "notify/settings.h"

namespace qrx::notify {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds longest_notice{120};
constexpr int exit_no_exec = 127;

// What the helper and its commands see of our environment: where programs and proxies are, no secrets.
std::vector<std::string> environment() {
  std::vector<std::string> out = {"LC_ALL=C.UTF-8"};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "https_proxy", "HTTPS_PROXY",
                           "no_proxy", "NO_PROXY"})
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  return out;
}

// Between fork and exec: only async-signal-safe calls. Whatever fails, the helper does not start.
[[noreturn]] void become_helper(const char* path, char* const* environment, int talk, int nothing, pid_t parent) {
  char* const arguments[] = {const_cast<char*>("qrx-notify"), nullptr};
  // They may stand on 0, 1 or 2 already: moved out of the way first.
  const int safe_talk = fcntl(talk, F_DUPFD_CLOEXEC, 3);
  const int safe_nothing = fcntl(nothing, F_DUPFD_CLOEXEC, 3);
  sigset_t none;
  sigemptyset(&none);
  const rlimit no_core{0, 0};
  struct sigaction as_usual {};
  as_usual.sa_handler = SIG_DFL;
  for (const int number : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP}) sigaction(number, &as_usual, nullptr);
  // In a group of its own: ^C at the terminal ends the tool, which then knows what the helper still says.
  const bool ready = safe_talk >= 0 && safe_nothing >= 0 && dup2(safe_talk, 0) == 0 && dup2(safe_talk, 1) == 1 &&
                     dup2(safe_nothing, 2) == 2 && syscall(SYS_close_range, 3u, ~0u, 0u) == 0 &&
                     sigprocmask(SIG_SETMASK, &none, nullptr) == 0 && setpgid(0, 0) == 0 &&
                     prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent && chdir("/") == 0 &&
                     setrlimit(RLIMIT_CORE, &no_core) == 0;
  if (ready) execve(path, arguments, environment);
  _exit(exit_no_exec);
}

enum class Ending : std::uint8_t { line, closed, timed_out, interrupted };

}  // namespace

struct Courier::Impl {
  std::string helper;
  Settings settings;
  pid_t child = -1;
  UniqueFd talk;  // a socket pair: writing to a helper that died gives EPIPE and no signal
  std::string unread;
  UniqueFd interruption{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable once interrupt() was called

  Result<void> start();
  bool tell(std::string_view text);
  Ending hear(std::string& line);
  int stop(bool at_once);
};

Result<void> Courier::Impl::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("cannot start qrx-notify");
  talk.reset(ends[0]);
  const UniqueFd other(ends[1]);
  const UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return fail_errno("cannot open /dev/null");
  std::vector<std::string> texts = environment();
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  child = fork();
  if (child < 0) return fail_errno("cannot start qrx-notify");
  if (child == 0) become_helper(helper.c_str(), pointers.data(), other.get(), nothing.get(), parent);
  unread.clear();
  return {};
}

bool Courier::Impl::tell(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::send(talk.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

Ending Courier::Impl::hear(std::string& line) {
  const auto deadline = SteadyClock::now() + longest_notice;
  for (;;) {
    if (const auto end = unread.find('\n'); end != std::string::npos) {
      line = unread.substr(0, end);
      unread.erase(0, end + 1);
      return Ending::line;
    }
    if (unread.size() > most_line_bytes) return Ending::closed;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return Ending::timed_out;
    pollfd waiting[] = {{talk.get(), POLLIN, 0}, {interruption.get(), POLLIN, 0}};
    const int ready = poll(waiting, 2, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return Ending::closed;
    if (ready <= 0) continue;
    if (waiting[0].revents == 0) return Ending::interrupted;
    char buffer[4096];
    const ssize_t got = read(talk.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Ending::closed;
    unread.append(buffer, static_cast<std::size_t>(got));
  }
}

// Its exit status, -1 when a signal ended it. A helper that is told nothing more ends by itself.
int Courier::Impl::stop(bool at_once) {
  if (child < 0) return -1;
  talk.reset();
  if (!at_once) {
    UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0u)));
    pollfd waiting{handle.get(), POLLIN, 0};
    if (handle) poll(&waiting, 1, 500);
  }
  int status = 0;
  pid_t gone = at_once ? 0 : waitpid(child, &status, WNOHANG);
  if (gone == 0) {
    kill(child, SIGKILL);
    while ((gone = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
    }
  }
  const bool ended = gone == child && WIFEXITED(status);
  child = -1;
  return ended ? WEXITSTATUS(status) : -1;
}

Courier::Courier(std::string helper, Settings settings) : impl_(std::make_unique<Impl>()) {
  impl_->helper = std::move(helper);
  impl_->settings = std::move(settings);
}

Courier::~Courier() {
  impl_->stop(false);
}

bool Courier::has(wire::Channel channel) const {
  return is_on(impl_->settings, channel);
}

void Courier::interrupt() {
  const std::uint64_t once = 1;
  (void)!write(impl_->interruption.get(), &once, sizeof once);  // it only fails when it is readable already
}

Outcome Courier::send(const Notice& notice) {
  if (!has(notice.to.channel))
    return {Outcome::State::failed,
            "notices by " + std::string(wire::to_text(notice.to.channel)) + " are not configured",
            {}};
  const Outcome cannot_start = {Outcome::State::failed, "cannot start " + impl_->helper, {}};
  // A helper that ended while nothing was asked of it has taken nothing: a new one is asked.
  bool told = false;
  for (int attempt = 0; attempt < 2 && !told; ++attempt) {
    if (impl_->child < 0) {
      if (auto started = impl_->start(); !started) return {Outcome::State::later, started.error().what, {}};
      impl_->tell(to_line(impl_->settings));
    }
    told = impl_->tell(to_line(notice));
    if (!told && impl_->stop(false) == exit_no_exec) return cannot_start;
  }
  if (!told) return {Outcome::State::later, cannot_start.reason, {}};
  std::string line;
  const Ending ending = impl_->hear(line);
  if (ending == Ending::line)
    if (auto outcome = read_outcome(line)) return *outcome;
  if (impl_->stop(ending != Ending::closed) == exit_no_exec) return cannot_start;
  if (ending == Ending::interrupted) return {Outcome::State::unknown, "the server ended while it was being sent", {}};
  return {Outcome::State::unknown,
          ending == Ending::timed_out ? "no answer within two minutes" : "the sending program ended before it answered",
          {}};
}

}  // namespace qrx::notify
