// A transfer of content to a recipient, and how much of it counts as taken.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "space/share_model.h"

namespace qrx::space {

class Downloads;  // private to src/space
struct LiveShare;

// One transfer of content to a recipient, from its admission to its end. Destroyed without completed(): it was aborted;
// what was handed over counts as taken but for its last byte, so that it can be resumed and never counts by itself.
// Used by one thread at a time.
class Transfer {
 public:
  using Leg = TransferLeg;
  Transfer(Downloads& downloads, std::shared_ptr<LiveShare> live, std::vector<Leg> legs);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  bool is_cut() const;  // the link was revoked, or its space blocked: stop
  // Of a transfer of one range, before it goes out: how much the client may have then. Written down well ahead, so that
  // who goes on after the server was killed closes all gaps.
  void handed(std::uint64_t bytes);
  void sent(std::uint64_t bytes);         // of any transfer: how much went out so far, for its owner to see
  void handed_all();                      // its last bytes go out: whether the client took them is known in a moment
  void completed();                       // the last byte was taken: it counts now
  void broken_off(std::uint64_t unsent);  // of a range: so much of what was handed over never went out

 private:
  void end_doubt();
  std::uint64_t before() const { return legs_.size() == 1 ? legs_[0].first : 0; }  // of the file, taken by another

  Downloads& downloads_;
  const std::shared_ptr<LiveShare> live_;
  const std::vector<Leg> legs_;
  std::uint64_t handed_ = 0;
  std::uint64_t sent_;       // as LiveShare::sent has it
  std::uint64_t ahead_ = 0;  // of the range: recorded as taken already
  bool in_doubt_ = false, completed_ = false;
};

}  // namespace qrx::space
