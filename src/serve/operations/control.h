// The control socket of a data directory: where a running server listens to its operator.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/client.h"

namespace qrx::serve {

// DIR/control.sock. When that is too long for an address of a Unix socket, it is named by way of the open directory.
struct ControlPath {
  UniqueFd directory;  // open while `path` is in use
  std::string path;

  static Result<ControlPath> in(const std::string& data_directory);
};

// Requests over it, one after the other. One thread at a time.
class ControlClient {
 public:
  static Result<ControlClient> of(const std::string& data_directory);

  // Nothing: no server answers there. `has_body`: an empty one is announced.
  std::optional<http::ClientAnswer> request(const std::string& method, const std::string& target,
                                            bool has_body = false);

  // The same, with an answer whose body comes line by line while the server works. `tell` gets each, without its end,
  // until it says that it was the last. Kind::unavailable when the server ends before.
  struct Told {
    int status = 0;
    Result<void> done;  // of a status 200
  };
  std::optional<Told> request_lines(const std::string& method, const std::string& target,
                                    const std::function<bool(std::string_view line)>& tell);

 private:
  ControlClient(ControlPath path, http::Client client) : path_(std::move(path)), client_(std::move(client)) {}
  ControlPath path_;
  http::Client client_;
};

}  // namespace qrx::serve
