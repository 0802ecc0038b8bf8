#include "notify/command.h"

#include <algorithm>
#include <utility>

#include "notify/protocol.h"
#include "notify/transport.h"
#include "process/run_program.h"

namespace qrx::notify {
namespace {

constexpr int exit_temporary = 75;  // EX_TEMPFAIL of sysexits.h
// Enough for the last line; a program that prints without end is not ended for it.
constexpr std::size_t most_output = 4096;

// Programs say last what went wrong.
std::string last_line(std::string_view output) {
  while (!output.empty() && (output.back() == '\n' || output.back() == ' ' || output.back() == '\r'))
    output.remove_suffix(1);
  const auto newline = output.rfind('\n');
  return one_line(newline == std::string_view::npos ? output : output.substr(newline + 1));
}

}  // namespace

Outcome run_command(const std::vector<std::string>& command, std::string_view input, Seconds limit) {
  process::Program program;
  program.plan.path = command.front();
  program.plan.arguments = command;
  program.plan.environment = process::own_environment();
  program.plan.own_group = true;
  // What it left running must not go on with a notice that counts as done.
  program.plan.ends_group = true;
  program.input = input;
  program.most_output = most_output;
  program.keeps_end = true;
  program.with_complaints = true;
  program.limit = limit;
  const auto ran = process::run(program);
  // Without a process nothing was sent: trying again is safe.
  if (!ran) return ran.error().kind == Kind::unavailable ? later(ran.error().what) : failed(ran.error().what);
  const std::string said = last_line(ran->output);
  const std::string reason = said.empty() ? "" : ": " + said;
  // It may have sent it before it was killed: trying again could make two of one.
  if (ran->how != process::Ran::How::to_its_end) return unknown("the command took too long" + reason);
  if (ran->ended.signal != 0) return unknown("the command was ended by signal " + std::to_string(ran->ended.signal));
  if (ran->ended.well()) return sent();
  if (ran->ended.status == exit_temporary) return later("exit status 75" + reason);
  return failed("exit status " + std::to_string(ran->ended.status) + reason);
}

}  // namespace qrx::notify
