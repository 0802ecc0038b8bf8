// Numbers of things as people say them.
#pragma once

#include <cstdint>
#include <string>

namespace qrx::cli {

inline std::string count_of_files(std::uint64_t files) {
  return files == 1 ? "1 file" : std::to_string(files) + " files";
}

}  // namespace qrx::cli
