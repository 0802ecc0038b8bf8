// A qrx-serve of one's own: a child process on an address of this machine, for as long as the tool runs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/addresses.h"
#include "wire/link.h"

namespace qrx::cli {

struct OwnServerOptions {
  std::string bind;                  // "HOST:PORT" as the user gave it; empty: the best address, a free port
  std::optional<Origin> public_url;  // what the links are to say
  std::optional<Seconds> expire;     // of the space to come, so that the server's own limit does not shorten it
};

// Its data lie in a directory of their own that goes with it. Start it before any thread: the child dies with the
// thread that started it, even when that is killed.
class OwnServer {
 public:
  // Blocks until it answers with its address. Kind::usage for a wrong `bind`; otherwise what the server said about it.
  static Result<OwnServer> start(const OwnServerOptions& options);
  OwnServer(OwnServer&&) noexcept;
  OwnServer& operator=(OwnServer&&) = delete;
  ~OwnServer();  // ends it, and removes its data

  const Origin& near() const { return near_; }    // where this machine reaches it
  const Origin& shown() const { return shown_; }  // where others reach it: what links say
  // Lines for people: where it is, who cannot reach it, and, when they had no say in it, which other addresses there
  // are.
  std::vector<std::string> describe(bool offer_others) const;
  const std::string& create_token() const { return create_token_; }  // only we may open spaces on it
  bool running() const;

 private:
  OwnServer() = default;

  pid_t child_ = -1;
  UniqueFd lifeline_;  // its stdin: it ends when that is closed
  UniqueFd directory_lock_;
  std::string directory_;
  std::string create_token_;
  Origin near_;
  Origin shown_;
  std::vector<MachineAddress> others_;
  bool only_here_ = false;
};

}  // namespace qrx::cli
