#include "cli/help.h"

#include <algorithm>
#include <vector>

namespace qrx::cli {
namespace {

constexpr std::size_t column = 28;  // where explanations begin

std::string left_side(const Option& option) {
  std::string out = option.letter ? std::string("  -") + option.letter + ", --" : "      --";
  out += option.name;
  if (option.has_opposite) out += ", --no-" + option.name;
  if (!option.value.empty()) out += " " + option.value;
  if (!option.optional_value.empty()) out += "[=" + option.optional_value + "]";
  return out;
}

void put_wrapped(std::string& out, std::string left, const std::string& text, std::size_t width, std::size_t indent) {
  // What is too long for its column stands on a line of its own.
  if (!left.empty() && left.size() + 2 > indent) {
    out += left + "\n";
    left.clear();
  }
  std::string line = left + std::string(indent - left.size(), ' ');
  std::size_t at = 0;
  bool fresh = true;
  while (at < text.size()) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, space - at);
    // The last column stays free: some terminals wrap when it is written.
    if (!fresh && line.size() + 1 + word.size() > width - 1) {
      out += line + "\n";
      line = std::string(indent, ' ');
      fresh = true;
    }
    line += (fresh ? "" : " ") + word;
    fresh = false;
    at = space + 1;
  }
  out += line + "\n";
}

}  // namespace

std::string help_text(const OptionTable& table, std::size_t width) {
  std::string out;
  for (const auto& usage : table.about.usage)
    out += (out.empty() ? "Usage: " : "       ") + table.about.tool + (usage.empty() ? "" : " ") + usage + "\n";
  out += "\n";
  put_wrapped(out, "", table.about.summary, width, 0);
  if (!table.commands.empty()) {
    out += "\nCommands:\n";
    for (const auto& command : table.commands) put_wrapped(out, "  " + command.name, command.help, width, 12);
  }
  std::vector<std::string> groups;
  for (const auto& option : table.options)
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) groups.push_back(option.group);
  for (const auto& group : groups) {
    out += "\n" + group + ":\n";
    for (const auto& option : table.options)
      if (option.group == group && !option.hidden) put_wrapped(out, left_side(option), option.help, width, column);
  }
  if (!table.about.examples.empty()) {
    out += "\nExamples:\n";
    for (const auto& example : table.about.examples) {
      out += "  " + example.command + "\n";
      put_wrapped(out, "", example.meaning, width, 6);
    }
  }
  out += "\n";
  put_wrapped(
      out, "",
      "Durations: 90s 15m 12h 3d. Sizes: 500K 10M 2G. Each option can also be set as QRX_NAME in the environment "
      "or in the configuration file: see " +
          table.about.tool + "(1).",
      width, 0);
  return out;
}

}  // namespace qrx::cli
