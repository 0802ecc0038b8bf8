// The cage of a process that is about to read a hostile picture.
#pragma once

#include "base/result.h"

namespace qrx {

// After this the process may compute, take memory, read descriptor 0, write 1 and 2, and exit. Every other system call
// (open, socket, execve, fork, ptrace, …) kills it. Memory can no longer be made executable. It cannot be undone, is
// inherited by nothing as nothing can be started, and needs no privilege. Threads: only the calling one must exist.
// Kind::other when the kernel has no seccomp filters; the process is then as free as before.
Result<void> enter_cage();

}  // namespace qrx
