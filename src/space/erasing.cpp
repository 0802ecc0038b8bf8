#include "space/erasing.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace qrx::space {
namespace {

constexpr std::size_t spaces_at_once = 64;
// ext4 makes files slowly for a while after many were unlinked: deletions give way to who is writing.
constexpr unsigned unlinks_at_once = 64;
constexpr auto pause_between_unlinks = Millis(1);

}  // namespace

std::string about(const char* thing, const Id& id, const Error& error) {
  return std::string(thing) + " " + id.text() + ": " + error.what;
}

Result<void> Erasing::hold_exactly(const Guid& guid, std::uint64_t deliveries) const {
  const auto held = context_.catalog.space(guid);
  if (!held) return tl::unexpected(held.error());
  const auto committed = [](const DeliveryRow& delivery) { return delivery.committed.has_value(); };
  if (*held && std::count_if((*held)->deliveries.begin(), (*held)->deliveries.end(), committed) !=
                   static_cast<std::int64_t>(deliveries))
    return fail(Kind::conflict, "the space holds another number of deliveries");
  return {};
}

Erasing::Blobs Erasing::end_all(const ExclusiveGate&, LiveSpace& live) {
  Blobs packs;
  std::vector<UploadPtr> uploads;
  {
    const SpaceLock lock(live);
    for (const auto& [id, upload] : live.uploads) uploads.push_back(upload);
    for (const UploadPtr& upload : uploads) {
      upload->removed = true;
      upload->stop = StopReason::removed;
      upload->released.notify_all();
    }
    for (const auto& [id, delivery] : live.open) {
      if (!std::exchange(delivery->pack.made, false)) continue;
      files_.forget_pack(id);
      packs.insert(id);
    }
  }
  for (const UploadPtr& upload : uploads) {
    upload->growing->growth = Content::Growth::ended;
    context_.events.upload_grew(upload->row.upload);
  }
  return packs;
}

Result<void> Erasing::unlink_all(const Guid& guid, Blobs blobs) {
  auto state = context_.catalog.space(guid);
  if (!state) return tl::unexpected(state.error());
  if (*state != nullptr) {
    for (const FileRow& file : (*state)->files) blobs.insert(file.blob);
    for (const UploadRow& upload : (*state)->uploads) blobs.insert(upload.blob);
  }
  unsigned unlinked = 0;
  for (const Id& blob : blobs) {
    if (auto removed = context_.blobs.remove(blob); !removed) return removed;
    if (++unlinked % unlinks_at_once == 0) std::this_thread::sleep_for(pause_between_unlinks);
  }
  return {};
}

std::uint64_t Erasing::forget(const ExclusiveGate&, LiveSpace& live) {
  registry_.forget(live.row.guid);
  std::uint64_t bytes = 0;
  {
    const SpaceLock lock(live);
    for (const auto& [id, upload] : live.uploads) quotas_.withdraw(lock, live, *upload);
    bytes = live.bytes.used;
    quotas_.give_back(lock, live, bytes, {live.files.used, live.manifests.used, live.parts.used});
    live.uploads.clear();
    live.empty.clear();
    live.open.clear();
  }
  quotas_.give_back_space();
  return bytes;
}

Result<Erased> Erasing::erase(const Guid& guid, bool only_expired, std::optional<std::uint64_t> deliveries) {
  auto found = registry_.find(guid);
  if (!found) return tl::unexpected(found.error());
  if (*found == nullptr) return Erased{};
  LiveSpace& live = **found;
  const ExclusiveGate gate(live);
  Phase before{};
  {
    const SpaceLock lock(live);
    before = live.row.phase;
    if (only_expired && before != Phase::dying && !registry_.expired(lock, live)) return Erased{};
  }
  if (deliveries && before != Phase::dying)
    if (auto right = hold_exactly(guid, *deliveries); !right) return tl::unexpected(right.error());
  SpaceChange dying;
  dying.phase = Phase::dying;
  if (auto marked = versions_.change(live, dying); !marked) return tl::unexpected(marked.error());
  Blobs packs = end_all(gate, live);
  // The rows last: a crash before them leaves the space dying, and the next sweep or start goes on.
  if (auto unlinked = unlink_all(guid, std::move(packs)); !unlinked) return tl::unexpected(unlinked.error());
  auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remove_space(guid);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  return Erased{true, forget(gate, live)};
}

Result<void> Erasing::erase_expired(WallTime now, Swept& swept, const std::stop_token& stop) {
  Blobs tried;
  std::size_t failed = 0;  // these are listed again and again, and must not hide the rest
  for (bool more = true; more;) {
    auto expired = context_.catalog.expired(now, spaces_at_once + failed);
    if (!expired) return tl::unexpected(expired.error());
    more = false;
    for (const Guid& guid : *expired) {
      if (auto on = context_.go_on(stop); !on) return on;
      if (!tried.insert(guid).second) continue;
      more = true;
      auto erased = erase(guid, true);
      if (!erased) {
        ++failed;
        swept.failures.push_back(about("space", guid, erased.error()));
        continue;
      }
      swept.spaces += erased->done ? 1 : 0;
      swept.bytes += erased->bytes;
    }
  }
  return {};
}

}  // namespace qrx::space
