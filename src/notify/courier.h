// Sends notices through the private helper qrx-notify, a child process: libcurl, libstrophe and the passwords stay out
// of the server and of qrx-share, and a crash of a transport harms nobody.
#pragma once

#include <memory>
#include <string>

#include "notify/notice.h"
#include "notify/settings.h"

namespace qrx::notify {

// Not thread-safe but for interrupt(): one thread uses it, or each has its own.
class Courier {
 public:
  // Starts nothing yet. `helper` is the path of qrx-notify.
  Courier(std::string helper, Settings settings);
  ~Courier();  // ends the helper

  bool has(wire::Channel channel) const;  // is it configured
  // Blocks until it is known what became of it, at most two minutes. A helper that dies in the middle gives
  // State::unknown, and is started anew for the next notice.
  Outcome send(const Notice& notice);
  // From any thread: the send that runs, and all later ones, end at once with State::unknown, unless the helper has
  // answered. For the end of a server.
  void interrupt();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::notify
