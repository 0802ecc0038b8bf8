// One call for all who need it made: those who come while it runs wait for the next one, which one of them makes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace qrx::receive {

// Thread-safe. One mutex, of all members; it is not held during a call.
class JoinedCall {
 public:
  // True when a call that began after this was asked for has succeeded. `call` must not throw.
  bool run(const std::function<bool()>& call);

 private:
  std::mutex mutex_;
  std::condition_variable ended_one_;
  bool running_ = false;
  std::uint64_t begun_ = 0, ended_ = 0;  // calls
  std::uint64_t failed_ = 0;             // the last that did
};

}  // namespace qrx::receive
