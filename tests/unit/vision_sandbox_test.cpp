// The filter is installed in a forked child, which then tries to get out.
#include "unit/catch.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "vision/sandbox.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

constexpr int sandboxed_and_done = 40;
constexpr int no_sandbox = 41;

// The wait status of a child that shut itself in and then did something.
int status_of(const std::function<void()>& deed, Sandbox sandbox = Sandbox::picture) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!enter_sandbox(sandbox)) _exit(no_sandbox);
    deed();
    _exit(sandboxed_and_done);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

bool killed(const std::function<void()>& deed, Sandbox sandbox = Sandbox::picture) {
  const int status = status_of(deed, sandbox);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

}  // namespace

TEST_CASE("in the sandbox there is memory, time and an end") {
  const int status = status_of([] {
    for (const std::size_t size : {100, 100'000, 10'000'000}) {
      void* memory = std::malloc(size);
      if (!memory) _exit(1);
      memory = std::realloc(memory, 2 * size);
      std::free(memory);
    }
    timespec now{};
    if (syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now) != 0) _exit(2);
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == sandboxed_and_done);
}

TEST_CASE("from the sandbox no file, no network, no program and no other process can be reached") {
  CHECK(killed([] { (void)!open("/etc/passwd", O_RDONLY); }));
  CHECK(killed([] { syscall(SYS_open, "/etc/passwd", O_RDONLY); }));
  CHECK(killed([] { syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", nullptr, 0); }));
  CHECK(killed([] { socket(AF_INET, SOCK_STREAM, 0); }));
  CHECK(killed([] { execl("/bin/true", "true", nullptr); }));
  CHECK(killed([] { syscall(SYS_fork); }));
  CHECK(killed([] { syscall(SYS_clone, SIGCHLD, nullptr); }));
  CHECK(killed([] { kill(getppid(), 0); }));
  CHECK(killed([] { ptrace(PTRACE_TRACEME, 0, 0, 0); }));
  CHECK(killed([] { unlink("/tmp/does-not-exist"); }));
  CHECK(killed([] { syscall(SYS_io_uring_setup, 1, nullptr); }));
  CHECK(killed([] { syscall(SYS_process_vm_readv, getppid(), nullptr, 0, nullptr, 0, 0); }));
}

TEST_CASE("from the sandbox only descriptors 0, 1 and 2 can be used, each in its direction") {
  char byte = 0;
  CHECK(killed([&] { (void)!read(3, &byte, 1); }));
  CHECK(killed([&] { (void)!write(3, &byte, 1); }));
  CHECK(killed([&] { (void)!write(0, &byte, 1); }));
  CHECK(killed([&] { (void)!read(1, &byte, 1); }));
  CHECK(killed([] { (void)!dup(1); }));
}

TEST_CASE("who watches frames may also wait for them, and of a camera take and give back buffers") {
  const auto wait = [] {
    pollfd waiting{0, POLLIN, 0};
    poll(&waiting, 1, 0);
  };
  v4l2_buffer buffer{};
  const auto control = [&](int fd, unsigned long request) {
    return [&buffer, fd, request] { (void)ioctl(fd, request, &buffer); };
  };
  CHECK(killed(wait));
  CHECK_FALSE(killed(wait, Sandbox::frames));
  CHECK_FALSE(killed(wait, Sandbox::camera));
  CHECK(killed(control(0, VIDIOC_DQBUF)));
  CHECK(killed(control(0, VIDIOC_DQBUF), Sandbox::frames));
  CHECK_FALSE(killed(control(0, VIDIOC_DQBUF), Sandbox::camera));
  CHECK_FALSE(killed(control(0, VIDIOC_QBUF), Sandbox::camera));
  CHECK(killed(control(1, VIDIOC_DQBUF), Sandbox::camera));
  for (const unsigned long request :
       {VIDIOC_S_FMT, VIDIOC_S_CTRL, VIDIOC_STREAMOFF, 0x5412ul /* TIOCSTI: types into a terminal */})
    CHECK(killed(control(0, request), Sandbox::camera));
  for (const Sandbox sandbox : {Sandbox::frames, Sandbox::camera}) {
    CHECK(killed([] { (void)!open("/etc/passwd", O_RDONLY); }, sandbox));
    CHECK(killed([] { socket(AF_INET, SOCK_STREAM, 0); }, sandbox));
    CHECK(killed([] { syscall(SYS_fork); }, sandbox));
  }
}

TEST_CASE("in the sandbox no memory becomes executable") {
  CHECK(killed([] { mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }));
  CHECK(killed([] {
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory, 4096, PROT_READ | PROT_EXEC);
  }));
}

#if defined(__x86_64__)
TEST_CASE("system calls of another architecture are no way out") {
  // getpid by its 32 bit number: int 0x80 must not slip past the filter.
  CHECK(killed([] {
    long result;
    asm volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
  }));
}
#endif
