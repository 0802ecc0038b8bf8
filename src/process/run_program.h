// Runs a program that others wrote to its end: words in, bytes out, within limits of time and size. It is found by
// PATH, has our environment, no descriptor of ours but the three, and a process group of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qrx::process {

struct Program {
  std::vector<std::string> words;  // the first names it
  std::string_view input;          // its stdin
  std::size_t most_output = 0;     // bytes of its stdout that are taken. 0: /dev/null, for what leaves a process behind
                                   // that would keep a pipe open (wl-copy, xclip)
  Millis limit{10'000};
  int stop = -1;  // a descriptor: when it becomes readable the program is ended
};

struct Ran {
  int status = 0;  // exit status
  std::string output;
};

// Blocks. What it says on stderr is dropped. Kind::other when it cannot be started or was ended by a signal,
// Kind::timed_out after its limit, Kind::too_large when it says more than is taken, Kind::unavailable when stopped; it
// and its children are killed then.
Result<Ran> run_program(const Program& program);

// By PATH, as run_program() finds it.
bool is_installed(const std::string& name);

}  // namespace qrx::process
