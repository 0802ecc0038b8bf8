// Reading a configuration file: TOML to the texts that options take. Only the .cpp names toml++.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qrx::cli {

// One table: each key with its value as text (true and false for booleans), several for an array.
using ConfigTable = std::map<std::string, std::vector<std::string>>;

// All tables by their dotted names, "" for the top: {"": {"server": …}, "recv": {"output": …}, "notify.mail": {…}}.
using Config = std::map<std::string, ConfigTable>;

// Values may be strings, integers, booleans and arrays of these; everything else is Kind::usage, with the line.
Result<Config> parse_config(std::string_view text);

// A file that is not there is an empty configuration, unless it is `required`.
Result<Config> read_config(const std::string& path, bool required);

}  // namespace qrx::cli
