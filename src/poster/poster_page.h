// A page to print: what stands on it, and as bytes between qrx-recv and the helper that draws it (qrx-poster).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qrx::poster {

enum class Form : std::uint8_t { svg, pdf, png };

struct PosterPage {
  Form form = Form::pdf;
  std::string above;               // one line over the name
  std::string name;                // large
  int side = 0;                    // of the code, in modules
  std::vector<bool> dark;          // side * side, row by row
  std::string words;               // large, under the code
  std::vector<std::string> lines;  // small, below
};

std::string to_bytes(const PosterPage& page);
// Nothing when it is no such page, or one that is larger than any of ours.
std::optional<PosterPage> from_bytes(std::string_view bytes);

// By the ending of a file's name; nothing for another one.
std::optional<Form> form_of(std::string_view path);

}  // namespace qrx::poster
