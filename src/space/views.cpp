#include "space/views.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace qrx::space {

std::vector<wire::DeliveryInfo> to_infos(std::vector<CommittedPage::Delivery> deliveries) {
  std::vector<wire::DeliveryInfo> out;
  out.reserve(deliveries.size());
  for (auto& [row, files] : deliveries) {
    out.push_back({row.delivery, row.committed.value_or(row.created), std::move(row.message), {}});
    for (FileRow& file : files)
      out.back().files.push_back({file.file, std::move(file.name), file.size, std::move(file.type), file.xxh128,
                                  file.sealed, file.properties});
  }
  return out;
}

// The oldest, in an order that does not change between two looks, so that what is shown does not jump.
std::vector<wire::UploadInfo> uploads_of(LiveSpace& live, const PageSize& size) {
  std::vector<std::pair<WallTime, wire::UploadInfo>> uploads;
  {
    const SpaceLock lock(live);
    for (const auto& [id, upload] : live.uploads) {
      const UploadRow& one = upload->row;
      if (one.partial || one.damaged) continue;
      uploads.push_back({one.created, {id, one.delivery, one.name, upload->growing->arrived, one.length}});
    }
    // Complete, but their delivery is not: it would look as if they had vanished.
    for (const auto& [id, delivery] : live.open)
      for (const FileRow& file : delivery->stored)
        uploads.push_back({delivery->row.created, {file.file, id, file.name, file.size, file.size}});
  }
  std::sort(uploads.begin(), uploads.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.upload) < std::tie(b.first, b.second.upload);
  });
  std::vector<wire::UploadInfo> out;
  std::uint64_t bytes = 0;
  for (auto& [created, upload] : uploads) {
    if (out.size() >= size.files || bytes >= size.bytes) break;
    bytes += upload.name.size();
    out.push_back(std::move(upload));
  }
  return out;
}

std::vector<wire::OpenDelivery> open_deliveries_of(LiveSpace& live, std::size_t most) {
  std::vector<wire::OpenDelivery> out;
  {
    const SpaceLock lock(live);
    for (const auto& [id, delivery] : live.open) {
      if (delivery->implicit) continue;
      wire::OpenDelivery& one = out.emplace_back();
      one.delivery = id;
      one.began = delivery->row.created;
      one.files = delivery->stored.size() + delivery->pack.files.size();
      for (const FileRow& file : delivery->stored) one.bytes += file.size;
      for (const auto& [name, file] : delivery->pack.files) one.bytes += file.size;
    }
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return std::tie(a.began, a.delivery) < std::tie(b.began, b.delivery); });
  if (out.size() > most) out.resize(most);
  return out;
}

// What a sender is told: how much there is room for, not what others have sent.
wire::DropInfo drop_info(const SpaceLock& lock, const LiveSpace& live) {
  const SpaceRow& row = live.row;
  wire::DropInfo info;
  info.label = row.label;
  info.key = row.key;
  info.seal = row.seal;
  info.packs = row.packs;
  info.expires = row.expires;
  info.state = row.phase == Phase::open ? wire::SpaceState::open : wire::SpaceState::closed;
  // What is on its way does not count here: it may be the asker's own, from an earlier run.
  const Use coming = on_its_way(lock, live);
  const std::uint64_t bytes = live.bytes.used - std::min(live.bytes.used, coming.bytes);
  const std::uint64_t files = live.files.used - std::min(live.files.used, coming.weight.files);
  // 0 means no limit: a space with nothing left is as good as closed.
  const auto left = [&](std::uint64_t limit, std::uint64_t used) {
    if (limit == 0) return limit;
    if (used >= limit) info.state = wire::SpaceState::closed;
    return limit - std::min(limit, used);
  };
  info.limits.max_size = left(row.limits.max_size, bytes);
  info.limits.max_files = left(row.limits.max_files, files);
  return info;
}

}  // namespace qrx::space
