// What was received, shown on the terminal: pictures, decoded by the caged helper, and the first lines of texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

enum class PreviewWhen : std::uint8_t {
  automatic,  // on a terminal that is known to show it
  never,
  always,  // wherever stderr leads; what is no terminal gets characters and newlines only
};

Result<PreviewWhen> preview_when(std::string_view text);  // "auto", "never", "always"

// Not thread-safe.
class Preview {
 public:
  explicit Preview(PreviewWhen when) : when_(when) {}

  bool shows() const;
  // Whether a file of this type and size may be something to show; of a sealed one nobody knows before it is opened.
  bool may_show(std::string_view type, std::uint64_t size, bool sealed) const;

  // The lines and escapes to print for the file at a path or descriptor, ending in a newline; empty when there is
  // nothing to show, or when this delivery had its share. What it is, its content says.
  std::string of_path(const std::string& path);
  std::string of_descriptor(int file);
  void next_delivery() { shown_ = 0; }

 private:
  std::string of(int file);
  PreviewWhen when_;
  int shown_ = 0;
};

}  // namespace qrx::cli
