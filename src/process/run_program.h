// Runs a program to its end: bytes in, bytes out, within limits of time and size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "process/child.h"

namespace qrx::process {

struct Program {
  ChildPlan plan;          // its `out` is made here, when output is taken; its `in`, unless it is set
  std::string_view input;  // its stdin, when plan.in is not set
  // Bytes of its stdout that are taken. 0: none, for what leaves a process behind that would keep a pipe open (wl-copy,
  // xclip).
  std::size_t most_output = 0;
  bool keeps_end = false;           // of more output the end is taken; else more ends the program
  bool with_complaints = false;     // what it says on stderr is taken with its output
  std::optional<Millis> limit;      // of the whole run
  std::optional<Millis> lingering;  // it is killed so long after it has closed its output; else at the limit
  int stop = -1;                    // a descriptor: when it becomes readable the program is ended
};

// A program of the user's, found by PATH: with our environment and a group of its own, for ten seconds. Kind::other
// when there is none of this name. The first of `words` names it.
Result<Program> installed_program(std::vector<std::string> words);

struct Ran {
  enum class How : std::uint8_t { to_its_end, out_of_time, too_much_output, stopped };
  How how = How::to_its_end;  // of its output; with all others it was killed
  Ended ended;
  std::string output;
};

// REQUIRES: SIGPIPE is ignored. Blocks. Errors are those of Child::start() and make_pipe(); the program and its group
// are gone when this returns, or as the plan says.
Result<Ran> run(const Program& program);

// The same, and an error unless the program ends in time and by itself: Kind::timed_out, Kind::too_large,
// Kind::unavailable when stopped, Kind::other when a signal ended it. The sentence names the program.
Result<Ran> run_in_time(const Program& program);

}  // namespace qrx::process
