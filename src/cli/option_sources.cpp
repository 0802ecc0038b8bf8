#include "cli/option_sources.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"

namespace qrx::cli {
namespace {

std::string variable_of(const std::string& option) {
  std::string name = "QRX_" + to_upper_ascii(option);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string variable_of(const Option& option) {
  return option.variable.empty() ? variable_of(option.name) : option.variable;
}

const char* set_in_environment(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  return value && *value ? value : nullptr;
}

}  // namespace

Result<Said> said_of(const Option& option, const CommandLine& given, const ConfigTable& config) {
  if (const auto found = given.values.find(option.name); found != given.values.end())
    return Said{found->second, shown(option)};
  if (option.asks) return Said{};  // --help and the like are never a habit
  const std::string opposite = "no-" + option.name;
  if (const char* value = set_in_environment(variable_of(option))) return Said{{value}, variable_of(option)};
  if (option.has_opposite)
    if (const char* value = set_in_environment(variable_of(opposite)))
      return Said{{value}, variable_of(opposite), true};
  const bool negated = option.has_opposite && config.count(option.name) == 0;
  const auto found = config.find(negated ? opposite : option.name);
  if (found == config.end()) return Said{};
  Said said{found->second, "configuration: " + found->first, negated, true};
  if (said.values.size() > 1 && !option.repeatable) return fail(Kind::usage, said.source + " can be given only once");
  return said;
}

}  // namespace qrx::cli
