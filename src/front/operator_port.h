// The operator's port: a few pages of plain text for monitoring, on an address that only operators reach. Here
// cpp-httplib serves, by its public interface; what faces everybody is the front (server.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace qrx::front {

struct OperatorPage {
  std::string path;  // "/metrics"
  struct Text {
    int status = 200;
    std::string type;  // Content-Type
    std::string body;
  };
  std::function<Text()> make;  // called from any of its threads; what it throws is a 500, and told
};

class OperatorPort {
 public:
  // Listens and serves from now on, in threads of its own. `address` is "HOST:PORT", "[::1]:PORT", ":PORT" (all
  // addresses) or "PORT" (127.0.0.1): Kind::usage when it is malformed, Kind::unavailable when it cannot be had.
  // `failed` is told, from any of its threads, what an exception said.
  static Result<std::unique_ptr<OperatorPort>> open(const std::string& address, std::vector<OperatorPage> pages,
                                                    std::function<void(const std::string& what)> failed);
  ~OperatorPort();  // ends what is being answered, and its threads

 private:
  struct Library;
  explicit OperatorPort(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

}  // namespace qrx::front
