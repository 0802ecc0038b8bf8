#include "cli/recv/hook.h"

#include <unistd.h>

#include <algorithm>

#include "process/child.h"

namespace qrx::cli {
namespace {

// Ours in front of those with the same name.
std::vector<std::string> with_variables(const Variables& variables) {
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  for (std::string& entry : process::own_environment()) {
    const bool replaced =
        std::ranges::any_of(variables, [&](const auto& variable) { return entry.starts_with(variable.first + "="); });
    if (!replaced) out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

Result<void> run_hook(const std::string& command, const Variables& variables, bool stdout_to_stderr) {
  process::ChildPlan plan;
  plan.path = "/bin/sh";
  plan.arguments = {"sh", "-c", command};
  plan.environment = with_variables(variables);
  // Its stdin stays empty: it must not read what is meant for us.
  plan.out = stdout_to_stderr ? STDERR_FILENO : STDOUT_FILENO;
  plan.err = STDERR_FILENO;
  plan.death_signal = 0;  // what the user's command has begun, it may end
  auto child = process::Child::start(plan);
  if (!child && child.error().kind == Kind::too_large)
    return fail(Kind::other,
                "the command of --exec cannot be run: the list of paths is too long for an environment variable",
                "use --json or --print0 and a pipe");
  if (!child) return fail(Kind::other, "cannot run the command of --exec: " + child.error().what);
  // Waited for: the next delivery comes after it.
  const process::Ended ended = *child->wait(std::nullopt);
  if (ended.signal != 0)
    return fail(Kind::other, "the command of --exec was ended by signal " + std::to_string(ended.signal));
  if (!ended.well())
    return fail(Kind::other, "the command of --exec failed with exit status " + std::to_string(ended.status));
  return {};
}

}  // namespace qrx::cli
