#include "cli/completion.h"

#include <vector>

namespace qrx::cli {
namespace {

// Inside single quotes of a shell. (Not "quoted": std::quoted would be found, too.)
std::string in_single_quotes(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out;
}

std::string function_name(const std::string& tool) {
  std::string out = "_";
  for (const char c : tool) out += c == '-' ? '_' : c;
  return out;
}

std::vector<std::string> spellings(const Option& option) {
  std::vector<std::string> out;
  if (option.letter) out.push_back(std::string("-") + option.letter);
  out.push_back("--" + option.name);
  if (option.has_opposite) out.push_back("--no-" + option.name);
  return out;
}

std::string bash_script(const OptionTable& table) {
  const std::string& tool = table.about.tool;
  std::string all;
  std::string cases;
  for (const auto& option : table.options) {
    if (option.hidden) continue;
    for (const auto& spelling : spellings(option)) all += (all.empty() ? "" : " ") + spelling;
    if (option.value.empty()) continue;
    std::string pattern;
    for (const auto& spelling : spellings(option)) pattern += (pattern.empty() ? "" : "|") + spelling;
    std::string words;
    for (const auto& choice : option.choices) words += (words.empty() ? "" : " ") + choice;
    cases += "    " + pattern + ")\n";
    if (!words.empty()) cases += "      COMPREPLY=($(compgen -W '" + words + "' -- \"$word\"))\n";
    // -o filenames: bash quotes blanks, and puts a slash behind directories.
    if (option.completes == Completes::files)
      cases += "      compopt -o filenames\n      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n";
    if (option.completes == Completes::directories)
      cases += "      compopt -o filenames\n      mapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n";
    cases += "      return ;;\n";
  }
  std::string words;
  for (const auto& command : table.commands) words += (words.empty() ? "" : " ") + command.name;
  std::string rest;
  if (!words.empty()) rest = "  COMPREPLY=($(compgen -W '" + words + "' -- \"$word\"))\n";
  if (table.arguments_complete == Completes::files)
    rest = "  compopt -o filenames\n  mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n";
  return "# bash completion for " + tool + ", made by " + tool + " --completion bash\n" + function_name(tool) +
         "() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  COMPREPLY=()\n"
         // bash splits "--name=value" at the '=' into three words (COMP_WORDBREAKS).
         "  if [[ $word == = && $before == --* ]]; then word=; fi\n"
         "  if [[ $before == = && $COMP_CWORD -ge 2 ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
         "  case $before in\n" +
         cases +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         all +
         "' -- \"$word\"))\n"
         "    return\n"
         "  fi\n" +
         rest +
         "}\n"
         "complete -F " +
         function_name(tool) + " " + tool + "\n";
}

std::string zsh_script(const OptionTable& table) {
  const std::string& tool = table.about.tool;
  // Brackets and colons end an explanation of _arguments.
  const auto explained = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
    return in_single_quotes(out);
  };
  std::string out = "#compdef " + tool + "\n# zsh completion for " + tool + ", made by " + tool +
                    " --completion zsh\n\n_arguments -s -S \\\n";
  for (const auto& option : table.options) {
    if (option.hidden) continue;
    std::string action;
    if (!option.value.empty()) {
      action = ":" + explained(option.choices.empty() ? option.value : option.name) + ":";
      if (!option.choices.empty()) {
        action += "(";
        for (const auto& choice : option.choices) action += (action.back() == '(' ? "" : " ") + choice;
        action += ")";
      }
      if (option.completes == Completes::files) action += "_files";
      if (option.completes == Completes::directories) action += "_files -/";
    }
    for (const auto& spelling : spellings(option)) {
      const bool is_long = spelling.size() > 2;
      // "--name=[…]" takes "--name=V" and "--name V", "-n+[…]" takes "-nV" and "-n V".
      out += "  '" + std::string(option.repeatable ? "*" : "") + spelling +
             (option.value.empty() ? ""
              : is_long            ? "="
                                   : "+") +
             "[" + explained(option.help) + "]" + action + "' \\\n";
    }
  }
  if (!table.commands.empty()) {
    out += "  '1:command:((";
    bool first = true;
    for (const auto& command : table.commands) {
      out += (first ? "" : " ") + command.name + "\\:\"" + explained(command.help) + "\"";
      first = false;
    }
    out += "))'\n";
  } else if (table.arguments_complete == Completes::files) {
    out += "  '*:file:_files'\n";
  } else {
    out += "  '*:" + explained(table.arguments) + ":'\n";
  }
  return out;
}

std::string fish_script(const OptionTable& table) {
  const std::string& tool = table.about.tool;
  std::string out = "# fish completion for " + tool + ", made by " + tool + " --completion fish\n";
  if (table.arguments_complete != Completes::files) out += "complete -c " + tool + " -f\n";
  for (const auto& command : table.commands)
    out += "complete -c " + tool + " -n __fish_use_subcommand -a " + command.name + " -d '" +
           in_single_quotes(command.help) + "'\n";
  for (const auto& option : table.options) {
    if (option.hidden) continue;
    for (const auto& spelling : spellings(option)) {
      const bool is_long = spelling.size() > 2;
      // A short one stands beside its long one, with -s.
      if (!is_long) continue;
      out += "complete -c " + tool;
      if (option.letter) out += std::string(" -s ") + option.letter;
      out += " -l " + spelling.substr(2);
      // -x: a value that is no file; -r -F: a value that is one.
      if (!option.choices.empty()) {
        out += " -x -a '";
        for (const auto& choice : option.choices) out += (out.back() == '\'' ? "" : " ") + choice;
        out += "'";
      } else if (option.completes == Completes::files) {
        out += " -r -F";
      } else if (option.completes == Completes::directories) {
        out += " -x -a '(__fish_complete_directories)'";
      } else if (!option.value.empty()) {
        out += " -x";
      }
      out += " -d '" + in_single_quotes(option.help) + "'\n";
    }
  }
  return out;
}

}  // namespace

Result<std::string> completion_script(const OptionTable& table, std::string_view shell) {
  if (shell == "bash") return bash_script(table);
  if (shell == "zsh") return zsh_script(table);
  if (shell == "fish") return fish_script(table);
  return fail(Kind::usage, "--completion: there is no script for '" + std::string(shell) + "'",
              "bash, zsh and fish have one");
}

}  // namespace qrx::cli
