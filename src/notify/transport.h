// One way to notify a recipient, as the helper qrx-notify has it. Each kind has a header of its own, with the function
// that makes it from its table of the configuration; notify/make_transport.h picks one by the channel.
#pragma once

#include <memory>

#include "base/result.h"
#include "notify/notice.h"
#include "notify/settings.h"

namespace qrx::notify {

class Transport {
 public:
  virtual ~Transport() = default;
  // Blocks, less than the two minutes of Courier::send. notice.to is of this transport's channel.
  virtual Outcome send(const Notice& notice) = 0;
};

// An error is about the table (a password file that cannot be read); it becomes the outcome of each notice.
using MadeTransport = Result<std::unique_ptr<Transport>>;

inline Outcome sent() {
  return {Outcome::State::sent, {}, {}};
}
inline Outcome failed(std::string reason) {
  return {Outcome::State::failed, std::move(reason), {}};
}
inline Outcome later(std::string reason, std::optional<Seconds> retry_after = {}) {
  return {Outcome::State::later, std::move(reason), retry_after};
}
inline Outcome unknown(std::string reason) {
  return {Outcome::State::unknown, std::move(reason), {}};
}

}  // namespace qrx::notify
