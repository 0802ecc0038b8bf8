// The control socket of a data directory: where a running server listens to its operator.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::serve {

// DIR/control.sock. When that is too long for an address of a Unix socket, it is named by way of the open directory.
struct ControlPath {
  UniqueFd directory;  // open while `path` is in use
  std::string path;

  static Result<ControlPath> in(const std::string& data_directory);
};

}  // namespace qrx::serve
