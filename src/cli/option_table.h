// The options of a tool as a table: parsing, help and completions are made of the same.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace qrx::cli {

// What a shell completes after an option or as an argument.
enum class Completes { nothing, files, directories };

struct Option {
  std::string name;   // long name without dashes
  char letter = 0;    // 0: none
  std::string value;  // "DUR"; empty for a flag
  std::string help;   // one line, lower case, no full stop
  std::string group;  // its heading in --help
  std::vector<std::string> choices;
  Completes completes = Completes::nothing;
  bool repeatable = false;          // also a flag that counts (-vv)
  bool has_opposite = false;        // --qr has --no-qr
  bool hidden = false;              // not in the help
  std::string optional_value = {};  // of a flag: "DUR" for --wait[=DUR]
  std::string variable = {};        // that sets it; empty: QRX_ and its name
  bool asks = false;                // --help and such: the command line only
  // Takes the values (one unless repeatable), in order; the error is said of the option or variable by the caller.
  std::function<Result<void>(const std::vector<std::string>&)> take;
};

struct Command {
  std::string name;
  std::string help;
};

struct Example {
  std::string command;
  std::string meaning;
};

// What is said of the tool as a whole.
struct About {
  std::string tool;                // "qrx-recv"
  std::string summary;             // one sentence
  std::vector<std::string> usage;  // what follows the name, one a line
  std::vector<Example> examples;
  std::string features = {};  // for --version, beside the TLS library: "; catalogs: SQLite"
};

struct OptionTable {
  About about;
  std::vector<Option> options;
  std::vector<Command> commands;
  std::string arguments;  // "FILE", of any number of them; empty: none
  Completes arguments_complete = Completes::nothing;
};

}  // namespace qrx::cli
