#include "space/versions.h"

#include <algorithm>

namespace qrx::space {
namespace {

constexpr auto progress_interval = Millis(200);

}  // namespace

std::uint64_t Versions::next(const SpaceLock&, const LiveSpace& live) const {
  const auto now =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, context_.clock.wall().time_since_epoch().count()));
  return std::max({live.version.load() + 1, live.row.seq + 1, now});
}

void Versions::advance(LiveSpace& live, Transaction& transaction, const std::function<void(SpaceRow&)>& edit) {
  const SpaceLock lock(live);
  live.row.seq = next(lock, live);
  if (edit) edit(live.row);
  transaction.put_space(live.row);
}

void Versions::publish(LiveSpace& live) {
  {
    const SpaceLock lock(live);
    live.version = std::max(live.version.load(), live.row.seq);
  }
  context_.events.space_changed(live.row.guid);
}

void Versions::progress(LiveSpace& live) {
  {
    const SpaceLock lock(live);
    const Steady now = context_.clock.steady();
    if (live.last_progress != Steady{} && now - live.last_progress < progress_interval) return;
    live.last_progress = now;
    live.version = next(lock, live);
  }
  context_.events.space_changed(live.row.guid);
}

void Versions::changed(LiveSpace& live) {
  {
    const SpaceLock lock(live);
    live.version = next(lock, live);
  }
  context_.events.space_changed(live.row.guid);
}

}  // namespace qrx::space
