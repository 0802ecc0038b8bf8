#include "vision/scan_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/text.h"
#include "base/unique_fd.h"
#include "wire/link.h"

namespace qrx {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;

// A hundred megapixels as gray and alpha, twice, and the libraries.
constexpr std::uint64_t most_memory = 1536ull << 20;
// Decoding a hundred megapixels takes three seconds here; the search stops by itself.
constexpr rlim_t decode_seconds = 15;
constexpr rlim_t thorough_seconds = 120;
constexpr int exit_no_exec = 127;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

struct Limits {
  rlim_t memory_bytes = 0;
  rlim_t cpu_seconds = 0;
};

struct Child {
  pid_t pid = -1;
  UniqueFd out;
};

int milliseconds_left(const Deadline& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

bool set_limit(__rlimit_resource_t resource, rlim_t value) {
  const rlimit limit{value, value};
  return setrlimit(resource, &limit) == 0;
}

bool lower_limits(const Limits& limits) {
  // The loader opens one library at a time; once they are loaded the filter of sandbox.h allows no open at all.
  return set_limit(RLIMIT_AS, limits.memory_bytes) && set_limit(RLIMIT_CPU, limits.cpu_seconds) &&
         set_limit(RLIMIT_NOFILE, 16) && set_limit(RLIMIT_FSIZE, 0) && set_limit(RLIMIT_CORE, 0) &&
         set_limit(RLIMIT_NPROC, 0);
}

// Between fork and exec: only async-signal-safe calls. Whatever fails, the helper does not start.
[[noreturn]] void become_helper(const char* path, char* const* arguments, int picture, int out, int nothing,
                                pid_t parent, const Limits& limits) {
  static char* const environment[] = {const_cast<char*>("LC_ALL=C"), const_cast<char*>("OPENCV_LOG_LEVEL=SILENT"),
                                      const_cast<char*>("OPENCV_OPENCL_RUNTIME=disabled"), nullptr};
  // The three may stand on 0, 1 or 2 already: moved out of the way first.
  const int safe_picture = fcntl(picture, F_DUPFD_CLOEXEC, 3);
  const int safe_out = fcntl(out, F_DUPFD_CLOEXEC, 3);
  const int safe_nothing = fcntl(nothing, F_DUPFD_CLOEXEC, 3);
  sigset_t none;
  sigemptyset(&none);
  const bool ready = safe_picture >= 0 && safe_out >= 0 && safe_nothing >= 0 && dup2(safe_picture, 0) == 0 &&
                     dup2(safe_out, 1) == 1 && dup2(safe_nothing, 2) == 2 &&
                     syscall(SYS_close_range, 3u, ~0u, 0u) == 0 && sigprocmask(SIG_SETMASK, &none, nullptr) == 0 &&
                     prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent && chdir("/") == 0 &&
                     lower_limits(limits);
  if (ready) execve(path, arguments, environment);
  _exit(exit_no_exec);
}

Result<Child> start(const std::string& helper, int picture, const ScanOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot start the scan helper");
  Child child{-1, UniqueFd(ends[0])};
  const UniqueFd writer(ends[1]);
  const UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return fail_errno("cannot open /dev/null");

  const bool thorough = options.budget.count() <= 0;
  const std::string budget = std::to_string(thorough ? 0 : options.budget.count());
  std::vector<char*> arguments = {const_cast<char*>("qrx-scan"), const_cast<char*>(budget.c_str())};
  if (options.any) arguments.push_back(const_cast<char*>("any"));
  arguments.push_back(nullptr);
  Limits limits;
  limits.memory_bytes = sanitized ? RLIM_INFINITY : most_memory;
  limits.cpu_seconds =
      thorough ? thorough_seconds : decode_seconds + static_cast<rlim_t>(options.budget.count() / 1000);

  const pid_t parent = getpid();
  child.pid = fork();
  if (child.pid < 0) return fail_errno("cannot start the scan helper");
  if (child.pid == 0)
    become_helper(helper.c_str(), arguments.data(), picture, writer.get(), nothing.get(), parent, limits);
  return child;
}

enum class Ending : std::uint8_t { end_of_output, too_much, timed_out };

Ending read_answer(int out, const Deadline& deadline, std::string& answer) {
  char buffer[16384];
  for (;;) {
    pollfd waiting{out, POLLIN, 0};
    const int ready = poll(&waiting, 1, milliseconds_left(deadline));
    if (ready < 0 && errno != EINTR) return Ending::end_of_output;
    if (ready == 0) return Ending::timed_out;
    if (ready < 0) continue;
    const ssize_t got = read(out, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Ending::end_of_output;
    answer.append(buffer, static_cast<std::size_t>(got));
    if (answer.size() > ScanReport::most_bytes) return Ending::too_much;
  }
}

// Waits until the helper is gone, and makes it go when it should have gone already. Its exit status, or -1 when a signal
// ended it. A helper that closed its output does not run any longer, but a hostile one may.
int reap(pid_t pid, bool at_once) {
  if (!at_once) {
    UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0u)));
    if (handle) {
      pollfd waiting{handle.get(), POLLIN, 0};
      const Deadline deadline = SteadyClock::now() + std::chrono::milliseconds(500);
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

ScanReport report_of(ScanStatus status) {
  ScanReport report;
  report.status = status;
  return report;
}

// picture: a descriptor that the helper can read without waiting for anybody.
Result<ScanReport> run_helper(int picture, const ScanOptions& options) {
  std::string helper = options.helper;
  if (helper.empty()) {
    auto found = find_scan_helper();
    if (!found) return tl::unexpected(found.error());
    helper = *found;
  }
  auto child = start(helper, picture, options);
  if (!child) return tl::unexpected(child.error());
  const Deadline deadline =
      options.timeout.count() > 0 ? Deadline(SteadyClock::now() + options.timeout) : std::nullopt;
  std::string answer;
  const Ending ending = read_answer(child->out.get(), deadline, answer);
  const int exit_status = reap(child->pid, ending != Ending::end_of_output);

  if (ending == Ending::timed_out) return report_of(ScanStatus::timed_out);
  if (ending == Ending::too_much) return report_of(ScanStatus::crashed);
  if (answer.empty() && exit_status == exit_no_exec)
    return fail(Kind::other, "cannot start the scan helper " + helper, "is qrx installed completely?");
  if (answer.empty() && exit_status == scan_exit_no_cage)
    return fail(Kind::other, "cannot read pictures safely: this system has no seccomp filters",
                "give the link instead: qrx-send --link LINK");
  auto report = parse_scan_report(answer);
  if (exit_status != 0 || !report) return report_of(ScanStatus::crashed);
  return std::move(*report);
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t done = write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

Result<UniqueFd> memory_file() {
  UniqueFd file(memfd_create("picture", MFD_CLOEXEC));
  if (!file) return fail_errno("cannot hold the picture in memory");
  return file;
}

// Reads a pipe to its end, or one byte beyond the limit.
Result<UniqueFd> slurp(int from, std::size_t& size) {
  auto file = memory_file();
  if (!file) return file;
  std::vector<std::byte> buffer(1 << 18);
  size = 0;
  while (size <= most_picture_bytes) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read the picture");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (!write_all(file->get(), ByteView(buffer).first(static_cast<std::size_t>(got))))
      return fail_errno("cannot hold the picture in memory");
  }
  if (lseek(file->get(), 0, SEEK_SET) != 0) return fail_errno("cannot hold the picture in memory");
  return file;
}

Error no_code(std::string what, std::string hint = {}) { return {Kind::no_code, std::move(what), std::move(hint)}; }

// Why a picture gave no text at all.
Error nothing_in(const ScanReport& report, const std::string& name) {
  const std::string shown = escape_untrusted(name);
  switch (report.status) {
    case ScanStatus::not_a_picture:
      return no_code("cannot read " + shown + ": not a picture", "PNG, JPEG, WebP, GIF and BMP are read");
    case ScanStatus::damaged: return no_code("cannot read the picture " + shown + ": it is damaged");
    case ScanStatus::too_large: return no_code("cannot read the picture " + shown + ": it is too large");
    case ScanStatus::crashed: return no_code("cannot read the picture " + shown + ": it broke the decoder");
    case ScanStatus::timed_out: return no_code("no QR code found in " + shown + " within the time");
    case ScanStatus::searched: break;
  }
  return no_code("no QR code found in " + shown, "a sharp, straight picture with the whole code and its light border reads best");
}

}  // namespace

Result<std::string> find_scan_helper() {
  std::string self(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
  if (length <= 0 || static_cast<std::size_t>(length) == self.size()) return fail_errno("cannot find the scan helper");
  self.resize(static_cast<std::size_t>(length));
  const std::string directory = self.substr(0, self.rfind('/'));
  for (const char* place : {"/../libexec/qrx/qrx-scan", "/qrx-scan"})
    if (const std::string path = directory + place; access(path.c_str(), X_OK) == 0) return path;
  return fail(Kind::other, "cannot find the scan helper qrx-scan", "is qrx installed completely?");
}

Result<ScanReport> scan_picture(int picture, const ScanOptions& options) {
  struct stat facts {};
  if (fstat(picture, &facts) != 0) return fail_errno("cannot read the picture");
  if (S_ISDIR(facts.st_mode)) return fail_errno("cannot read the picture", EISDIR);
  if (S_ISREG(facts.st_mode)) {
    const off_t offset = lseek(picture, 0, SEEK_CUR);
    if (offset < 0) return fail_errno("cannot read the picture");
    if (facts.st_size - offset > static_cast<off_t>(most_picture_bytes)) return report_of(ScanStatus::too_large);
    return run_helper(picture, options);
  }
  std::size_t size = 0;
  const auto file = slurp(picture, size);
  if (!file) return tl::unexpected(file.error());
  if (size > most_picture_bytes) return report_of(ScanStatus::too_large);
  return run_helper(file->get(), options);
}

Result<ScanReport> scan_picture(ByteView picture, const ScanOptions& options) {
  if (picture.size() > most_picture_bytes) return report_of(ScanStatus::too_large);
  const auto file = memory_file();
  if (!file) return tl::unexpected(file.error());
  if (!write_all(file->get(), picture) || lseek(file->get(), 0, SEEK_SET) != 0)
    return fail_errno("cannot hold the picture in memory");
  return run_helper(file->get(), options);
}

Result<std::string> drop_link_in(const ScanReport& report, const std::string& name) {
  const NamedReport one[] = {{name, report}};
  return drop_link_in(one);
}

Result<std::string> drop_link_in(std::span<const NamedReport> reports) {
  std::optional<DropLink> link;
  std::string text;
  std::size_t others = 0;
  for (const auto& [name, report] : reports) {
    for (const std::string& candidate : report.texts) {
      const auto parsed = parse_drop_link(candidate);
      if (!parsed) {
        ++others;
      } else if (!link) {
        link = *parsed;
        text = candidate;
      } else if (parsed->text() != link->text()) {
        return fail(Kind::usage,
                    "found two different drop links: " + escape_untrusted(text) + " and " + escape_untrusted(candidate),
                    "pass the right one: qrx-send --link LINK");
      }
    }
  }
  if (link) return text;
  if (reports.empty()) return tl::unexpected(no_code("no picture to read"));
  if (others > 0)
    return tl::unexpected(no_code("no drop link found, only other QR codes", "--scan-only --any prints what they say"));
  return tl::unexpected(nothing_in(reports.front().report, reports.front().name));
}

Result<std::vector<std::string>> texts_in(const ScanReport& report, const std::string& name) {
  if (report.texts.empty()) return tl::unexpected(nothing_in(report, name));
  return report.texts;
}

}  // namespace qrx
