#include "space/trash.h"

#include <thread>
#include <unordered_set>
#include <utility>

namespace qrx::space {
namespace {

// ext4 makes files slowly for a while after many were unlinked: deletions give way to writers.
constexpr unsigned unlinks_at_once = 64;
constexpr auto pause_between_unlinks = Millis(1);
// Rows that wait for the next transaction: to remove what is gone already costs little, after a crash.
constexpr std::size_t struck_out_at_once = 256;
constexpr std::size_t listed_at_once = 250;

}  // namespace

void Trash::remove(const std::vector<BlobKey>& blobs) {
  if (context_.blobs.in_objects()) return;  // empty() does, many at once: nobody waits for it
  unsigned unlinked = 0;
  for (const BlobKey& blob : blobs) {
    if (!context_.blobs.remove(blob)) continue;
    if (++unlinked % unlinks_at_once == 0) std::this_thread::sleep_for(pause_between_unlinks);
    const std::lock_guard lock(mutex_);
    removed_.push_back(blob);
  }
  strike_out(struck_out_at_once);
}

void Trash::strike_out(std::size_t at_least) {
  std::vector<BlobKey> gone;
  {
    const std::lock_guard lock(mutex_);
    if (removed_.size() < at_least || removed_.empty()) return;
    gone = std::exchange(removed_, {});
  }
  // Should it fail, they are removed once more.
  (void)context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    for (const BlobKey& blob : gone) {
      transaction.forget_trash(blob);
      if (context_.blobs.in_objects()) transaction.forget_extents(blob);
    }
    return {};
  });
}

Result<void> Trash::empty(std::vector<std::string>& failures, const std::stop_token& stop) {
  strike_out(0);
  BlobKey last{};
  for (;;) {
    auto listed = context_.catalog.trash(last, listed_at_once);
    if (!listed) return tl::unexpected(listed.error());
    if (listed->empty() || context_.blobs.trouble()) break;
    last = listed->back();
    if (auto on = context_.go_on(stop); !on) return on;
    std::unordered_set<BlobKey, IdHash> stays;
    for (const auto& [blob, error] : context_.blobs.remove_all(*listed)) {
      if (error.kind != Kind::locked) failures.push_back(about("blob", blob, error));
      stays.insert(blob);
    }
    {
      const std::lock_guard lock(mutex_);
      for (const BlobKey& blob : *listed)
        if (!stays.contains(blob)) removed_.push_back(blob);
    }
    strike_out(1);
  }
  return {};
}

}  // namespace qrx::space
