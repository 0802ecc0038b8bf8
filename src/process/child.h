// One child process: what it gets of ours, what it may take, and that it does not outlive who started it. Every program
// that qrx starts is started here.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::process {

// Limits of setrlimit(2), for programs that read what strangers wrote. What the user has set lower stays. No core
// dumps.
struct Limits {
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::uint64_t memory_bytes = none;  // of address space; not set under sanitizers, which map terabytes
  std::uint64_t cpu_seconds = none;
  std::uint64_t file_bytes = 0;  // that it may write to files; beyond, its writes fail
  std::uint64_t descriptors = 16;
  bool starts_others = false;  // threads and processes
};

struct ChildPlan {
  std::string path;                      // of the program
  std::vector<std::string> arguments;    // the first is its name
  std::vector<std::string> environment;  // all of it: "NAME=value"
  // Become its 0, 1 and 2; -1: /dev/null. They stay the caller's, and it gets no other descriptor of ours.
  int in = -1, out = -1, err = -1;
  std::optional<Limits> limits;
  bool no_core = false;        // its memory holds secrets: no core dumps
  bool in_root = false;        // its working directory is /
  bool own_group = false;      // signals of the terminal (^C) do not reach it, and kill() reaches what it started
  bool ends_group = false;     // with own_group: when it has ended, what it started and left behind is killed
  int death_signal = SIGKILL;  // what it gets when the thread that started it ends, however that ends; 0: nothing
};

struct Ended {
  int status = -1;  // of its exit; -1: a signal ended it
  int signal = 0;
  bool well() const { return status == 0; }
};

// One thread at a time.
class Child {
 public:
  // Waits until the program runs. Otherwise nothing runs: Kind::unavailable when the system has no room for another
  // process or descriptor now, Kind::too_large when arguments and environment are longer than it takes, else
  // Kind::other.
  static Result<Child> start(const ChildPlan& plan);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();  // kills it when it still runs

  // For poll(2): readable once it has ended. -1 where the system has no such thing (pidfd_open(2) forbidden): wait()
  // works without it.
  int handle() const { return handle_.get(); }
  bool running() const;
  // Nothing when it still runs at the deadline. Afterwards, always the same.
  std::optional<Ended> wait(std::optional<Steady> deadline);
  // To it, or to its group when it has one. Nothing when it has ended.
  void signal(int number);
  // It is given this time to end by itself, and killed then.
  Ended end(Millis patience);

 private:
  Child(pid_t pid, UniqueFd handle, const ChildPlan& plan);
  Ended reap();

  pid_t pid_ = -1;  // -1: has ended and was reaped
  UniqueFd handle_;
  bool own_group_ = false;
  bool ends_group_ = false;
  Ended ended_;
};

// Our own, for programs that the user or the operator named.
std::vector<std::string> own_environment();

}  // namespace qrx::process
