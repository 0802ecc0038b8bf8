#include "cli/recv/hook.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace qrx::cli {
namespace {

// Ours in front of those with the same name.
std::vector<std::string> with_variables(const Variables& variables) {
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  for (char** at = environ; *at; ++at) {
    bool replaced = false;
    for (const auto& [name, value] : variables)
      replaced = replaced || (std::strncmp(*at, name.c_str(), name.size()) == 0 && (*at)[name.size()] == '=');
    if (!replaced) out.emplace_back(*at);
  }
  return out;
}

}  // namespace

Result<void> run_hook(const std::string& command, const Variables& variables, bool stdout_to_stderr) {
  std::vector<std::string> environment = with_variables(variables);
  std::vector<char*> environment_pointers;
  for (auto& entry : environment) environment_pointers.push_back(entry.data());
  environment_pointers.push_back(nullptr);
  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (stdout_to_stderr) ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // We ignore these; an ignored signal would stay ignored in the command.
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::sigaddset(&defaults, SIGXFSZ);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environment_pointers.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error == E2BIG)
    return fail(Kind::other,
                "the command of --exec cannot be run: the list of paths is too long for an environment variable",
                "use --json or --print0 and a pipe");
  if (error != 0) return fail_errno("cannot run the command of --exec", error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail_errno("cannot wait for the command of --exec");
  if (WIFSIGNALED(status))
    return fail(Kind::other, "the command of --exec was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return fail(Kind::other, "the command of --exec failed with exit status " + std::to_string(WEXITSTATUS(status)));
  return {};
}

}  // namespace qrx::cli
