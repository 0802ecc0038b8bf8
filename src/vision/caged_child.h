// Starts the private helpers of this folder: no environment, no descriptor and no right of ours, dead when we are dead.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx {

using SteadyTime = std::chrono::steady_clock::time_point;

inline constexpr int child_exit_no_exec = 127;

struct ChildLimits {
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::uint64_t memory_bytes = none;  // of address space; not set under sanitizers, which map terabytes
  std::uint64_t cpu_seconds = none;
  std::uint64_t file_bytes = 0;  // that it may write to files; beyond, writes fail
  std::uint64_t descriptors = 16;
  bool threads = false;  // may start some; false: nothing can be started
};

struct ChildPlan {
  std::string path;
  std::vector<std::string> arguments;    // the first is its name
  std::vector<std::string> environment;  // all of it
  int in = -1, out = -1, err = -1;       // become 0, 1 and 2; -1: /dev/null. They stay the caller's
  ChildLimits limits;
};

// Its process id. The child gets SIGKILL when the calling thread ends.
Result<pid_t> start_child(const ChildPlan& plan);

// Waits until it is gone, and makes it go: at once, or when it is still there after half a second. Its exit status,
// or -1 when a signal ended it.
int reap_child(pid_t pid, bool at_once);

// For poll(2): rounded up, -1 without a deadline.
int milliseconds_left(const std::optional<SteadyTime>& deadline);

// A private helper as installed (../libexec/qrx beside the directory of this program) or in the build tree (beside it).
Result<std::string> find_private_helper(const std::string& name);

}  // namespace qrx
