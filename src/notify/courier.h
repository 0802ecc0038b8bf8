// Sends notices through the private helper qrx-notify, a child process: libcurl, libstrophe and the passwords stay out
// of the server and of qrx-share, and a crash of a transport harms nobody.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "notify/notice.h"

namespace qrx::notify {

// The [notify.NAME] tables of a configuration file, as they stand there; numbers and booleans as text, lists as one
// text with newlines between the items. Commands that were named "exec.NAME" there have their other keys under that
// name.
struct Settings {
  std::map<std::string, std::map<std::string, std::string>> transports;
  bool private_addresses = false;  // [notify] allow_private: hooks may go to addresses that are not public
  std::vector<std::string>
      allowed_networks;  // [notify] allow_private as a list: only to these addresses that are not public
  std::map<std::string, std::string>
      limits;  // [notify] recipients, per_space, per_day, ...: the server's, no transport reads them
  std::map<std::string, std::vector<std::string>> commands;  // [notify.exec.NAME] command = ["/path", "arg"]
};

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
