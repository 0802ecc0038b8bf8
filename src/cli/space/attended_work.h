// A transfer runs in a thread of its own; meanwhile this one looks after the window and the own server.
#pragma once

#include <functional>

#include "base/result.h"
#include "cli/space/own_server.h"

namespace qrx::cli {

struct Attention {
  std::function<void()> resized;      // the window on stderr has another size, and rests at it
  const OwnServer* server = nullptr;  // looked at once a second; null: none
  std::function<void()> server_died;  // called once: it makes the work end soon
  std::function<void()> each_second;
};

// Returns when the work has ended, and whether the server had died before. `attention` is called by this thread. An
// error when it cannot wait: then there was no work.
Result<bool> run_attended(const std::function<void()>& work, const Attention& attention);

}  // namespace qrx::cli
