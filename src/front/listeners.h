// The sockets that a server listens on: TCP over IPv4 and IPv6, Unix sockets, and those that systemd hands over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::front {

// Where to listen: "HOST:PORT", "[::1]:PORT", ":PORT" (all addresses), "PORT" (127.0.0.1), "unix:PATH"; port 0 picks
// a free one.
struct Endpoint {
  std::string address;
  bool control = false;                // Unix sockets only: requests get Request::control
  bool plain = false;                  // no TLS even if there is a certificate (Unix sockets never have TLS)
  unsigned mode = 0666;                // of a Unix socket that is not for control: a proxy often runs as another user
  std::optional<unsigned> group = {};  // of its file
};

class Listener {
 public:
  UniqueFd socket;      // non-blocking, close-on-exec, listening
  std::string address;  // "127.0.0.1:8460", "[::1]:8460", "unix:/path"
  bool control = false;
  bool plain = false;
  bool is_unix = false;

  Listener() = default;
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) noexcept = default;
  ~Listener() { close(); }
  void close();  // also removes the Unix socket's path, if we made it and it is still ours

  // One endpoint can be several sockets: "localhost:80" is two addresses. Port 0 picks one port for all of them.
  static Result<std::vector<Listener>> open(const Endpoint& endpoint);

  // LISTEN_FDS and LISTEN_PID, which are removed from the environment: they are not for our children. Empty when there
  // are none for this process.
  static Result<std::vector<Listener>> take_from_systemd();

 private:
  static Result<Listener> open_unix(const Endpoint& endpoint);
  std::string path_;  // to be removed
  unsigned long inode_ = 0;
};

}  // namespace qrx::front
