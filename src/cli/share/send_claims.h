// What a qrx-share on this machine is sending just now: a file a notice in $XDG_STATE_HOME/qrx/shares, there from
// before its claim until its outcome was recorded, and locked by the sender. One that is there and not locked was left
// by a run that ended in between: nobody knows whether its notice was sent.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/id.h"

namespace qrx::cli {

class SendClaim {
 public:
  // On the disk when it returns. Kind::locked: another run of this machine sends this notice.
  static Result<SendClaim> begin(const Guid& space, const Id& share);
  void note(std::string_view outcome);  // "sent" or "failed": known here, but not yet recorded by the server
  void end();                           // it is

 private:
  SendClaim(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};

// Left by a run that ended. While this lives no other run takes it, nor begins to send its notice.
class LeftClaim {
 public:
  Id share;
  std::string outcome;  // what was noted, or empty: nobody knows
  void forget();        // it is recorded now

 private:
  friend Result<std::vector<LeftClaim>> left_claims(const Guid& space);
  LeftClaim(const Id& of, std::string noted, std::string path, UniqueFd lock)
      : share(of), outcome(std::move(noted)), path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};
// Of this space. None where nothing was ever claimed.
Result<std::vector<LeftClaim>> left_claims(const Guid& space);

}  // namespace qrx::cli
