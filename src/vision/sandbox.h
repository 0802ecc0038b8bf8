// The sandbox of a process that is about to read a hostile picture.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace qrx::vision {

// What the process reads from descriptor 0 once it is shut in.
enum class Sandbox : std::uint8_t {
  picture,  // bytes, to their end
  frames,   // bytes as they come: may also ask whether there are more
  camera,   // a V4L2 device that is streaming already: may take and give back its buffers, nothing else
};

// After this the process may compute, take memory, read descriptor 0, write 1 and 2, and exit. Every other system call
// (open, socket, execve, fork, ptrace, …) kills it. Memory can no longer be made executable. It cannot be undone, is
// inherited by nothing as nothing can be started, and needs no privilege. Threads: only the calling one must exist.
// Kind::other when the kernel has no seccomp filters; the process is then as free as before.
Result<void> enter_sandbox(Sandbox sandbox = Sandbox::picture);

}  // namespace qrx::vision
