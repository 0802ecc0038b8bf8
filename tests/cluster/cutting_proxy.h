// Between a client and PostgreSQL, on a Unix socket of its own: cuts the connection right after a COMMIT went through,
// before its answer comes back, or right before it.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "unit/temp_directory.h"

namespace qrx::test {

class CuttingProxy {
 public:
  enum class Cut { nothing, before, after };
  explicit CuttingProxy(std::string server_socket);  // path of the server's socket
  ~CuttingProxy();

  std::string directory() const { return directory_.text(); }  // as `host` of an address
  std::atomic<Cut> next{Cut::nothing};                         // what becomes of the next COMMIT
  std::atomic<unsigned> cuts{0};

 private:
  void accept_all();
  void carry(UniqueFd client);

  const std::string server_socket_;
  TempDirectory directory_;
  UniqueFd listener_;
  std::atomic<bool> ending_{false};
  std::thread acceptor_;
  std::vector<std::thread> carriers_;
};

}  // namespace qrx::test
