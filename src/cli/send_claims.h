// What a qrx-share on this machine is sending just now: a file a notice in $XDG_STATE_HOME/qrx/shares, there from
// before its claim until its outcome was recorded, and locked by who sends. One that is there and not locked was left
// by a run that ended in between: nobody knows whether its notice was sent.
#pragma once

#include <string>
#include <string_view>
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

// What earlier runs left of a space. While it lives no run of this machine begins a claim, so that what is read here is
// not one that is just being made.
class LeftClaims {
 public:
  struct Claim {
    Id share;
    std::string outcome;  // what was noted, or empty: nobody knows
  };
  // None when nothing was ever claimed here. Waits for another run that settles its own.
  static Result<LeftClaims> find(const Guid& space);
  const std::vector<Claim>& claims() const { return claims_; }
  void forget(const Claim& claim);

 private:
  LeftClaims() = default;
  std::string prefix_;  // of the paths of the space's files
  UniqueFd gate_;
  std::vector<Claim> claims_;
};

}  // namespace qrx::cli
