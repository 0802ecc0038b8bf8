#include "process/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/time_left.h"
#include "base/unique_fd.h"
#include "process/find_program.h"
#include "process/pipe.h"

namespace qrx::process {
namespace {

constexpr Millis usual_limit{10'000};

// Our ends of its pipes.
struct Pipes {
  UniqueFd input, output;
};

// Takes what there is. False at the end of the output.
bool take_output(int output, std::string& taken) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(output, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR;
  taken.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

// Feeds and listens until it has closed its output, or, when none is taken, until it has ended.
Ran::How converse(const Program& program, Pipes& pipes, int handle, std::optional<Steady> deadline,
                  std::string& output) {
  std::string_view input = program.input;
  // Without output its end is waited for, where the kernel can tell it.
  const int waited_for = pipes.output ? pipes.output.get() : handle;
  for (;;) {
    // Its end tells the program that there is no more.
    if (input.empty()) pipes.input.reset();
    if (waited_for < 0 && !pipes.input) return Ran::How::to_its_end;  // wait_for_end() can do without
    std::array<pollfd, 3> waits{
        {{waited_for, POLLIN, 0}, {pipes.input ? pipes.input.get() : -1, POLLOUT, 0}, {program.stop, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), milliseconds_left(deadline));
    if (ready == 0 || (ready < 0 && errno != EINTR)) return Ran::How::out_of_time;
    if (ready < 0) continue;
    if (waits[2].revents != 0) return Ran::How::stopped;
    // Not blocking (run()): a program that does not read while it writes would otherwise hang with us.
    if (waits[1].revents != 0) {
      const ssize_t put = ::write(pipes.input.get(), input.data(), input.size());
      if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
      // EPIPE: it has read what it wanted, as "head" does. Whether it did its work, its exit status tells.
      if (put < 0 && errno != EINTR && errno != EAGAIN) input = {};
    }
    if (waits[0].revents == 0) continue;
    if (!pipes.output || !take_output(pipes.output.get(), output)) return Ran::How::to_its_end;
    if (output.size() <= program.most_output) continue;
    if (!program.keeps_end) return Ran::How::too_much_output;
    // The end is what says why something failed.
    output.erase(0, output.size() - program.most_output);
  }
}

// What closed its output may still run.
Ran::How wait_for_end(const Program& program, Child& child, std::optional<Steady> deadline) {
  std::optional<Steady> until = deadline;
  if (program.lingering) {
    const Steady lingers_until = std::chrono::steady_clock::now() + *program.lingering;
    until = until ? std::min(*until, lingers_until) : lingers_until;
  }
  // It has said all that it had to say: that it lingers is no reason to doubt its output, but it is killed.
  const Ran::How still_there = until == deadline ? Ran::How::out_of_time : Ran::How::to_its_end;
  if (program.stop < 0 || child.handle() < 0) return child.wait(until) ? Ran::How::to_its_end : still_there;
  while (child.running()) {
    std::array<pollfd, 2> waits{{{child.handle(), POLLIN, 0}, {program.stop, POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), milliseconds_left(until));
    if (ready == 0) return still_there;
    if (ready > 0 && waits[1].revents != 0) return Ran::How::stopped;
  }
  return Ran::How::to_its_end;
}

}  // namespace

Result<Program> installed_program(std::vector<std::string> words) {
  auto path = find_in_path(words.front());
  if (!path) return fail(Kind::other, "cannot run " + words.front() + ": it is not installed");
  Program program;
  program.plan.path = std::move(*path);
  program.plan.arguments = std::move(words);
  program.plan.environment = own_environment();
  program.plan.own_group = true;
  program.limit = usual_limit;
  return program;
}

Result<Ran> run(const Program& program) {
  ChildPlan plan = program.plan;
  Pipes ours;
  Pipes theirs;
  if (plan.in < 0 && !program.input.empty()) {
    auto made = make_pipe();
    if (!made) return tl::unexpected(made.error());
    if (::fcntl(made->write.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("cannot make a pipe");
    ours.input = std::move(made->write);
    theirs.input = std::move(made->read);
    plan.in = theirs.input.get();
  }
  if (program.most_output > 0) {
    auto made = make_pipe();
    if (!made) return tl::unexpected(made.error());
    ours.output = std::move(made->read);
    theirs.output = std::move(made->write);
    plan.out = theirs.output.get();
    if (program.with_complaints) plan.err = plan.out;
  }
  std::optional<Steady> deadline;
  if (program.limit) deadline = std::chrono::steady_clock::now() + *program.limit;
  auto child = Child::start(plan);
  if (!child) return tl::unexpected(child.error());
  // Our copies: the end of its output shows only when nobody has the other end open.
  theirs = {};
  Ran ran;
  ran.how = converse(program, ours, child->handle(), deadline, ran.output);
  ours.input.reset();
  if (ran.how == Ran::How::to_its_end) ran.how = wait_for_end(program, *child, deadline);
  // Killed if it still runs; what it started goes with it where the plan says so.
  ran.ended = child->end(Millis{0});
  return ran;
}

Result<Ran> run_in_time(const Program& program) {
  auto ran = run(program);
  if (!ran) return ran;
  const std::string& name = program.plan.arguments.front();
  switch (ran->how) {
    case Ran::How::out_of_time:
      return fail(Kind::timed_out,
                  name + " did not end within " +
                      std::to_string(std::chrono::ceil<Seconds>(program.limit.value_or(Millis{0})).count()) + " s");
    case Ran::How::too_much_output:
      return fail(Kind::too_large, name + " gave more than " + std::to_string(program.most_output) + " bytes");
    case Ran::How::stopped:
      return fail(Kind::unavailable, "interrupted");
    case Ran::How::to_its_end:
      break;
  }
  if (ran->ended.signal != 0)
    return fail(Kind::other, name + " was ended by signal " + std::to_string(ran->ended.signal));
  return ran;
}

}  // namespace qrx::process
