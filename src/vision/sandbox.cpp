#include "vision/sandbox.h"

#include <linux/videodev2.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>
#include <memory>

namespace qrx::vision {
namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};

// What malloc, the clocks, the C++ library's locks and a clean exit need; none of it names anything outside of the
// process. sysinfo and sched_getaffinity are what qsort and TBB ask before they choose sizes.
constexpr int harmless[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap),         SCMP_SYS(mremap),      SCMP_SYS(madvise),
    SCMP_SYS(futex),        SCMP_SYS(exit),           SCMP_SYS(exit_group),  SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),      SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sysinfo),     SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),       SCMP_SYS(gettid),
#if defined(__SANITIZE_ADDRESS__)
    SCMP_SYS(sigaltstack),  // its own way out
#endif
};

int allow_all(scmp_filter_ctx filter, Sandbox sandbox) {
  for (const int call : harmless)
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); error != 0) return error;

  const auto allow_on = [&](int call, int descriptor) {
    const scmp_arg_cmp first{0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(descriptor), 0};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &first);
  };
  // The third argument of both is the protection: never executable, or code of the attacker's could be made here.
  const auto allow_data = [&](int call) {
    const scmp_arg_cmp third{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &third);
  };
  if (sandbox != Sandbox::picture)
    for (const int call : {SCMP_SYS(poll), SCMP_SYS(ppoll)})
      if (const int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); error != 0) return error;
  if (sandbox == Sandbox::camera) {
    for (const unsigned long request : {VIDIOC_DQBUF, VIDIOC_QBUF}) {
      // The upper half of the request is not looked at by the kernel either.
      const scmp_arg_cmp on[] = {{0, SCMP_CMP_EQ, 0, 0}, {1, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFu, request & 0xFFFFFFFFu}};
      if (const int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2, on); error != 0)
        return error;
    }
  }
  for (const int error : {allow_on(SCMP_SYS(read), 0), allow_on(SCMP_SYS(write), 1), allow_on(SCMP_SYS(write), 2),
                          allow_data(SCMP_SYS(mmap)), allow_data(SCMP_SYS(mprotect))})
    if (error != 0) return error;
  return 0;
}

}  // namespace

Result<void> enter_sandbox(Sandbox sandbox) {
  // No core dump, which would hold the picture; and no other process of the user can attach.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno("cannot forbid core dumps");
  // seccomp(2) asks for it of those without CAP_SYS_ADMIN; it also disarms set-user-ID programs.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("cannot give up privileges");
  // The process, not the thread: nothing of it goes on after a call that is not allowed.
  const std::unique_ptr<void, ReleaseFilter> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return fail(Kind::other, "cannot build the system call filter");
  if (const int error = allow_all(filter.get(), sandbox); error != 0)
    return fail_errno("cannot build the system call filter", -error);
  if (const int error = seccomp_load(filter.get()); error != 0)
    return fail_errno("cannot filter system calls", error == -ECANCELED ? errno : -error);
  return {};
}

}  // namespace qrx::vision
