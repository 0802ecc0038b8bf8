#include "space/live.h"

#include <algorithm>
#include <unordered_set>

namespace qrx::space {

LivePtr to_live(const SpaceState& state, Steady now) {
  auto live = std::make_shared<LiveSpace>();
  live->row = state.space;
  live->version = state.space.seq;
  for (const DeliveryRow& row : state.deliveries) {
    if (row.committed) continue;
    auto delivery = std::make_shared<LiveDelivery>();
    delivery->row = row;
    delivery->last_used = now;
    live->open.emplace(row.delivery, std::move(delivery));
  }
  std::unordered_set<Id, IdHash> with_files;
  for (const FileRow& row : state.files) {
    with_files.insert(row.delivery);
    live->bytes.used += row.size;
    live->weigh(weight_of(row.name));
    if (const auto delivery = live->open.find(row.delivery); delivery != live->open.end())
      delivery->second->stored.push_back(row);
  }
  for (const DeliveryRow& row : state.deliveries)
    if (row.committed && !with_files.contains(row.delivery)) live->weigh(text_weight);
  for (const UploadRow& row : state.uploads) {
    auto upload = std::make_shared<LiveUpload>();
    upload->row = row;
    upload->counted = row.offset;  // room for the rest is asked for when its sender comes back
    upload->weighs = row.offset > 0;
    upload->progress = now;
    upload->growing->arrived = row.offset;
    upload->growing->length = row.length.value_or(Growing::unknown);
    if (row.damaged) upload->growing->growth = Content::Growth::ended;
    live->bytes.used += upload->counted;
    if (upload->weighs) live->weigh(weight_of(row));
    if (row.offset == 0 && !row.damaged) live->empty.emplace(upload->number = live->next_number++, upload);
    if (row.implicit)
      if (const auto delivery = live->open.find(row.delivery); delivery != live->open.end())
        delivery->second->implicit = true;
    live->uploads.emplace(row.upload, std::move(upload));
  }
  return live;
}

void LiveSpace::weigh(Weight weight) {
  files.used += weight.files;
  manifests.used += weight.manifests;
  parts.used += weight.parts;
}

bool LiveSpace::idle() const {
  const auto busy_delivery = [](const auto& entry) { return entry.second->pack.made; };
  const auto busy_upload = [this](const auto& entry) {
    const LiveUpload& upload = *entry.second;
    const long known = empty.contains(upload.number) ? 2 : 1;  // by `uploads`, and by `empty`
    return upload.locked || upload.published || upload.promised > 0 || entry.second.use_count() > known;
  };
  return std::none_of(open.begin(), open.end(), busy_delivery) &&
         std::none_of(uploads.begin(), uploads.end(), busy_upload);
}

}  // namespace qrx::space
