// The control socket of a data directory: where a running server listens to its operator.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/client.h"
#include "space/spaces.h"

namespace qrx::serve {

// DIR/control.sock. When that is too long for an address of a Unix socket, it is named by way of the open directory.
struct ControlPath {
  UniqueFd directory;  // open while `path` is in use
  std::string path;

  static Result<ControlPath> in(const std::string& data_directory);
};

// Requests over it, one after the other.
class ControlClient {
 public:
  static Result<ControlClient> of(const std::string& data_directory);
  Result<http::ClientAnswer> request(const std::string& method, const std::string& target);  // without a body

 private:
  ControlClient(ControlPath path, http::Client client) : path_(std::move(path)), client_(std::move(client)) {}
  ControlPath path_;
  http::Client client_;
};

struct DataOptions;
// With the data of a server that does not run, recovered. Kind::unavailable when one runs and does not answer.
Result<void> with_data(const DataOptions& options, const std::function<Result<void>(space::Spaces&)>& work);

}  // namespace qrx::serve
