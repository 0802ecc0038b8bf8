#include "base/measure.h"

#include <cmath>
#include <cstdio>

namespace qrx {
namespace {

std::string text_of(double value) {
  char out[64];
  // Whole numbers as they are: bytes and counts, up to 2^53.
  std::snprintf(out, sizeof out, value == std::floor(value) ? "%.0f" : "%.6f", value);
  return out;
}

}  // namespace

std::string label(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    // A line end would begin another sample.
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + '"';
}

std::string text_of(const Measures& measures) {
  std::string out;
  std::string_view last;
  for (const Measure& one : measures) {
    // "# HELP name text", "# TYPE name counter", "name 42", "name{a="b"} 42".
    if (last != one.name)
      out += std::string("# HELP ") + one.name + ' ' + one.help + "\n# TYPE " + one.name +
             (one.type == Measure::Type::counter ? " counter\n" : " gauge\n");
    last = one.name;
    out += one.name + (one.labels.empty() ? std::string() : '{' + one.labels + '}') + ' ' + text_of(one.value) + '\n';
  }
  return out;
}

}  // namespace qrx
