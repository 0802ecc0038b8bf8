// What is counted about a running server, as those who watch it read it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qrx {

struct Measure {
  enum class Type : char { counter, gauge };
  const char* name;  // qrx_…; of several with one name the first says type and help, and they stand together
  Type type;
  const char* help;
  double value;
  std::string labels{};  // "method=\"GET\"", several with commas; as label() makes them
};
using Measures = std::vector<Measure>;

// name="value", with the value escaped: it may come from outside.
std::string label(std::string_view name, std::string_view value);

// In the text format of Prometheus, 0.0.4.
std::string text_of(const Measures& measures);

}  // namespace qrx
