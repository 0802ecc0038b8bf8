#include "space/transfer.h"

#include <algorithm>
#include <utility>

#include "space/downloads.h"

namespace qrx::space {
namespace {

// Smaller files are not resumed but taken again.
constexpr std::uint64_t least_resumed = 1U << 20;
// One transaction for each 64 MiB: two a second at 1 Gbit/s.
constexpr std::uint64_t recorded_ahead = 64U << 20;

}  // namespace

Transfer::Transfer(Downloads& downloads, std::shared_ptr<LiveShare> live, std::vector<Leg> legs)
    : downloads_(downloads), live_(std::move(live)), legs_(std::move(legs)), sent_(before()) {
  live_->sent += sent_;
  ++live_->transfers;
}

Transfer::~Transfer() {
  if (completed_) return;
  live_->sent -= sent_;
  --live_->transfers;
  std::vector<Leg> taken;
  // Never its last byte: who goes on has to take that again, and until then nothing counts.
  if (legs_.size() == 1 && legs_[0].bytes > 0) {
    Leg leg = legs_[0];
    leg.bytes = std::min(handed_, leg.bytes - 1);
    if (leg.bytes + ahead_ > 0) taken.push_back(leg);
  }
  downloads_.end_transfer(*live_, legs_, taken, ahead_);
  end_doubt();
}

void Transfer::handed(std::uint64_t bytes) {
  handed_ = bytes;
  sent(bytes);
  const Leg& leg = legs_.front();
  if (leg.size < least_resumed || bytes <= ahead_ || leg.bytes <= ahead_ + 1) return;
  const std::uint64_t until = std::min(leg.bytes - 1, std::max(bytes, ahead_ + recorded_ahead));
  // Should it fail, the next call tries again: only who resumes after a kill would lose by it.
  if (downloads_.record_ahead(*live_, leg, ahead_, until)) ahead_ = until;
}

void Transfer::sent(std::uint64_t bytes) {
  const std::uint64_t now = std::max(sent_, before() + bytes);
  live_->sent += now - sent_;
  sent_ = now;
}

void Transfer::handed_all() {
  if (in_doubt_) return;
  in_doubt_ = true;
  downloads_.begin_doubt(*live_);
}

void Transfer::end_doubt() {
  if (!in_doubt_) return;
  in_doubt_ = false;
  downloads_.end_doubt(*live_);
}

bool Transfer::is_cut() const {
  return live_->cut.load(std::memory_order_relaxed) || live_->blocked->load(std::memory_order_relaxed);
}

void Transfer::broken_off(std::uint64_t unsent) {
  handed_ -= std::min(unsent, handed_);
}

void Transfer::completed() {
  if (completed_) return;
  completed_ = true;
  downloads_.add_sent(*live_, sent_);
  live_->sent -= sent_;
  --live_->transfers;
  downloads_.end_transfer(*live_, legs_, legs_, ahead_);
  end_doubt();
}

}  // namespace qrx::space
