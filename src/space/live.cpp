#include "space/live.h"

#include <algorithm>
#include <unordered_set>

namespace qrx::space {

namespace {

// Of a restart, or from another node: its running sum is not known, and is read from the blob when it goes on.
UploadPtr to_live(const LiveSpace& live, const UploadRow& row, Steady now) {
  auto upload = std::make_shared<LiveUpload>(live.memory);
  upload->row = row;
  upload->memory.add(row.name.size() + row.metadata.size());  // it was taken, by a process that is gone
  upload->counted = row.offset;  // room for the rest is asked for when its sender comes back
  upload->weighs = row.offset > 0;
  upload->progress = now;
  upload->growing->arrived = row.offset;
  upload->growing->length = row.length.value_or(Growing::unknown);
  if (row.damaged) upload->growing->growth = Content::Growth::ended;
  return upload;
}

// Of an upload that nobody here is at.
void compare(LiveSpace& live, const UploadPtr& upload, const UploadRow& row) {
  LiveUpload& one = *upload;
  // Somebody else was at it, or this node in a spare that no row came to name: what is known is of other bytes.
  if (one.row.epoch != row.epoch || one.row.blob != row.blob) {
    one.summed = Growing::unknown;
    one.published = one.found_whole = one.untouched = false;
  }
  // Readers that follow it have the former blob open, whose bytes end here: they ask again and get the new one.
  if (one.row.blob != row.blob) {
    one.growing->growth = Content::Growth::ended;
    one.growing = std::make_shared<Growing>();
  }
  one.former = {};
  one.row = row;
  one.counted = row.offset;
  one.weighs = row.offset > 0;
  if (!one.weighs) one.begun.reset();
  one.growing->length = row.length.value_or(Growing::unknown);
  one.growing->arrived = row.offset;
  if (row.damaged) one.growing->growth = Content::Growth::ended;
  live.empty.erase(one.number);
  if (row.offset == 0 && !row.damaged) live.empty.emplace(one.number = live.next_number++, upload);
}

// Runs when the space has another version than this node saw last. A locked upload has a writer here, which finds out
// by its epoch when it records.
std::vector<UploadPtr> compare_uploads(LiveSpace& live, const SpaceState& state, Steady now) {
  std::unordered_set<Id, IdHash> there;
  for (const UploadRow& row : state.uploads) {
    there.insert(row.upload);
    auto& known = live.uploads[row.upload];
    if (known == nullptr) {
      known = to_live(live, row, now);
      if (row.offset == 0 && !row.damaged) live.empty.emplace(known->number = live.next_number++, known);
    } else if (!known->locked) {
      compare(live, known, row);
    }
  }
  std::unordered_set<Id, IdHash> files;
  for (const FileRow& file : state.files) files.insert(file.file);
  std::vector<UploadPtr> gone;
  for (auto at = live.uploads.begin(); at != live.uploads.end();) {
    LiveUpload& one = *at->second;
    if (one.locked || there.contains(at->first)) {
      ++at;
      continue;
    }
    one.removed = true;
    // Complete elsewhere, or gone: who follows it must not wait any longer. Which of the two it is, `growth` says.
    one.growing->arrived = std::max(one.growing->arrived.load(), one.row.length.value_or(0));
    one.growing->growth = files.contains(at->first) ? Content::Growth::complete : Content::Growth::ended;
    live.empty.erase(one.number);
    gone.push_back(at->second);
    at = live.uploads.erase(at);
  }
  return gone;
}

// There are no packs: of one node nothing is compared, and many have none.
void count_texts(LiveDelivery& delivery) {
  std::uint64_t bytes = delivery.row.message.size();
  for (const FileRow& file : delivery.stored) bytes += file.name.size();
  delivery.memory.set(bytes);
}

void compare_deliveries(LiveSpace& live, const SpaceState& state, Steady now) {
  std::unordered_set<Id, IdHash> there, implicit;
  for (const UploadRow& row : state.uploads)
    if (row.implicit) implicit.insert(row.delivery);
  std::unordered_map<Id, std::vector<FileRow>, IdHash> stored;
  for (const DeliveryRow& row : state.deliveries)
    if (!row.committed) stored.try_emplace(row.delivery);
  for (const FileRow& file : state.files)
    if (const auto of = stored.find(file.delivery); of != stored.end()) of->second.push_back(file);
  for (const DeliveryRow& row : state.deliveries) {
    if (row.committed) continue;
    there.insert(row.delivery);
    auto& known = live.open[row.delivery];
    if (known == nullptr) {
      known = std::make_shared<LiveDelivery>(live.memory);
      known->last_used = now;
    } else if (known->committing) {
      continue;
    }
    // Somebody adds to it at another node: it is not idle.
    if (known->stored.size() != stored[row.delivery].size()) known->last_used = now;
    known->row = row;
    known->implicit = implicit.contains(row.delivery);
    known->stored = std::move(stored[row.delivery]);
    count_texts(*known);
  }
  const auto gone = [&](const auto& entry) { return !entry.second->committing && !there.contains(entry.first); };
  std::erase_if(live.open, gone);
}

}  // namespace

BegunUploads::Hold::Hold(std::shared_ptr<BegunUploads> all, std::string peer)
    : all_(std::move(all)), peer_(std::move(peer)) {
  const std::lock_guard lock(all_->mutex_);
  ++all_->by_peer_[peer_];
}

BegunUploads::Hold::~Hold() {
  const std::lock_guard lock(all_->mutex_);
  const auto found = all_->by_peer_.find(peer_);
  if (--found->second == 0) all_->by_peer_.erase(found);
}

std::uint64_t BegunUploads::of(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? 0 : found->second;
}

std::vector<UploadPtr> compare(const SpaceLock&, LiveSpace& live, const SpaceState& state, Steady now) {
  // A state that was read before a change of this node was published is older than what memory has.
  if (state.space.seq >= live.row.seq) {  // the rest never changes, and is read without the lock
    live.row.seq = state.space.seq;
    live.row.expires = state.space.expires;
    live.row.phase = state.space.phase;
    live.blocked = state.space.phase == Phase::blocked;
    live.row.use = state.space.use;
  }
  live.version = std::max(live.version.load(), state.space.seq);
  auto gone = compare_uploads(live, state, now);
  compare_deliveries(live, state, now);
  // What arrived here and is not durable yet counts beside what the rows have.
  live.bytes.used = state.space.use.bytes + live.arriving.bytes;
  live.files.used = state.space.use.weight.files;
  live.manifests.used = state.space.use.weight.manifests;
  live.parts.used = state.space.use.weight.parts;
  live.texts.used = state.space.use.weight.texts;
  live.weigh(live.arriving.weight);
  for (const auto& [id, upload] : live.uploads) {
    live.bytes.used += upload->counted - std::min(upload->counted, upload->row.offset);
    if (upload->weighs && upload->row.offset == 0) live.weigh(weight_of(upload->row));
  }
  live.compared = state.space.seq;
  return gone;
}

LivePtr to_live(const SpaceState& state, Steady now, const std::shared_ptr<TextMemory>& memory) {
  auto live = std::make_shared<LiveSpace>(state.space, memory);
  live->version = live->compared = state.space.seq;
  live->blocked = state.space.phase == Phase::blocked;
  for (const DeliveryRow& row : state.deliveries) {
    if (row.committed) continue;
    auto delivery = std::make_shared<LiveDelivery>(live->memory);
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
  for (const auto& [id, delivery] : live->open) count_texts(*delivery);
  for (const DeliveryRow& row : state.deliveries)
    if (row.committed) {
      live->weigh(message_weight(row));
      if (!with_files.contains(row.delivery)) live->weigh(text_weight);
    }
  for (const UploadRow& row : state.uploads) {
    UploadPtr upload = to_live(*live, row, now);
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
  texts.used += weight.texts;
}

// Held by none but the registry's maps (use_count), so nobody can be about to lock it: safe to forget, for the catalog
// has it all.
bool LiveSpace::idle() const {
  // Rows of a commit that failed count with the pack, and would be read as files that are there.
  const auto busy_delivery = [](const auto& entry) { return entry.second->pack.made || entry.second->pack.ahead; };
  const auto busy_upload = [this](const auto& entry) {
    const LiveUpload& upload = *entry.second;
    const long known = empty.contains(upload.number) ? 2 : 1;  // by `uploads`, and by `empty`
    return upload.locked || upload.published || upload.promised > 0 || entry.second.use_count() > known;
  };
  return std::none_of(open.begin(), open.end(), busy_delivery) &&
         std::none_of(uploads.begin(), uploads.end(), busy_upload);
}

Use on_its_way(const SpaceLock&, const LiveSpace& live, const std::optional<Id>& but, bool parts) {
  Use use;
  for (const auto& [id, upload] : live.uploads) {
    if (upload->row.delivery == but || (upload->row.partial && !parts)) continue;
    use += {upload->counted, upload->weighs ? weight_of(upload->row) : Weight{}};
  }
  for (const auto& [id, delivery] : live.open) {
    if (id == but) continue;
    for (const FileRow& file : delivery->stored) use += {file.size, weight_of(file.name)};
    for (const auto& [name, file] : delivery->pack.files) use.weight += weight_of(name);
    use.bytes += delivery->pack.end;
  }
  return use;
}

}  // namespace qrx::space
