#include "space/live.h"

#include <algorithm>

namespace qrx::space {
namespace {

// Idle spaces kept in memory, about a kilobyte each.
constexpr std::size_t most_lives = 16'384;
constexpr auto tick_interval = Millis(200);
constexpr std::size_t most_packs_open = 256;  // a descriptor each

LivePtr to_live(const SpaceState& state, Steady now) {
  auto live = std::make_shared<LiveSpace>();
  live->row = state.space;
  live->seq = state.space.seq;
  for (const DeliveryRow& row : state.deliveries) {
    if (row.committed) continue;
    auto delivery = std::make_shared<LiveDelivery>();
    delivery->row = row;
    delivery->last_used = now;
    live->open.emplace(row.delivery, std::move(delivery));
  }
  for (const FileRow& row : state.files) {
    live->bytes.used += row.size;
    live->weigh(weight_of(row.name));
    if (const auto delivery = live->open.find(row.delivery); delivery != live->open.end())
      delivery->second->stored.push_back(row);
  }
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
    if (row.lone)
      if (const auto delivery = live->open.find(row.delivery); delivery != live->open.end())
        delivery->second->lone = true;
    live->uploads.emplace(row.upload, std::move(upload));
  }
  return live;
}

}  // namespace

std::vector<wire::DeliveryInfo> infos_of(std::vector<CommittedPage::Delivery> deliveries) {
  std::vector<wire::DeliveryInfo> out;
  out.reserve(deliveries.size());
  for (auto& [row, files] : deliveries) {
    out.push_back({row.delivery, row.committed.value_or(row.created), std::move(row.message), {}});
    for (FileRow& file : files)
      out.back().files.push_back(
          {file.file, std::move(file.name), file.size, std::move(file.type), file.xxh128, file.sealed, {}});
  }
  return out;
}

tl::unexpected<Error> no_such_space() {
  return fail(Kind::not_found, "no such space");
}
tl::unexpected<Error> no_such_upload() {
  return fail(Kind::not_found, "no such upload");
}
tl::unexpected<Error> no_such_delivery() {
  return fail(Kind::not_found, "no such delivery");
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
    return upload.held || upload.published || upload.promised > 0 || entry.second.use_count() > known;
  };
  return std::none_of(open.begin(), open.end(), busy_delivery) &&
         std::none_of(uploads.begin(), uploads.end(), busy_upload);
}

Rules::Rules(Catalog& catalog_, Blobs& blobs_, Clock& clock_, Events& events_, Policy policy_)
    : catalog(catalog_),
      blobs(blobs_),
      clock(clock_),
      events(events_),
      policy(policy_),
      reserve(std::min(policy_.reserve_bytes, blobs_.free_bytes() / 10)),
      packs(blobs_, most_packs_open) {
  const std::lock_guard lock(totals_mutex);
  (void)know_totals();  // or with the first that is taken
}

Result<LivePtr> Rules::find(const Guid& guid) {
  for (;;) {
    std::uint64_t forgotten_before = 0;
    {
      const std::lock_guard lock(lives_mutex);
      if (const auto found = lives.find(guid); found != lives.end()) return found->second;
      forgotten_before = forgotten;
    }
    auto state = catalog.space(guid);
    if (!state) return tl::unexpected(state.error());
    if (*state == nullptr) return LivePtr();
    const std::lock_guard lock(lives_mutex);
    if (const auto found = lives.find(guid); found != lives.end()) return found->second;
    if (forgotten != forgotten_before) continue;
    make_room();
    return lives.emplace(guid, to_live(**state, clock.steady())).first->second;
  }
}

void Rules::make_room() {
  if (lives.size() < most_lives) return;
  ++forgotten;
  for (auto at = lives.begin(); at != lives.end() && lives.size() > most_lives * 3 / 4;)
    at = at->second.use_count() == 1 && at->second->idle() ? lives.erase(at) : std::next(at);
}

void Rules::forget(const Guid& guid) {
  const std::lock_guard lock(lives_mutex);
  ++forgotten;
  lives.erase(guid);
}

bool Rules::expired(const LiveSpace& live) const {
  return live.row.expires <= clock.wall();
}

Result<void> Rules::still_open(const LiveSpace& live) const {
  if (live.row.phase == Phase::dying) return no_such_space();
  if (live.row.phase == Phase::blocked) return fail(Kind::gone, "the operator of this server has blocked this space");
  if (expired(live)) return fail(Kind::gone, "this space has expired");
  return {};
}

Result<LivePtr> Rules::enter(const Guid& guid) {
  auto live = enter_by_token(guid);
  if (!live && live.error().kind == Kind::gone) return no_such_space();
  return live;
}

Result<LivePtr> Rules::enter_by_token(const Guid& guid) {
  auto live = find(guid);
  if (!live) return live;
  if (*live == nullptr) return no_such_space();
  const std::lock_guard lock((*live)->mutex);
  if (auto open = still_open(**live); !open) return tl::unexpected(open.error());
  return live;
}

Result<LivePtr> Rules::enter(const Guid& guid, std::string_view token) {
  const Sha256Sum given = sha256(as_bytes(token));
  auto live = find(guid);
  if (!live) return live;
  Sha256Sum wanted{};                                      // no text is known to have this sum
  if (*live != nullptr) wanted = (*live)->row.owner_hash;  // never changes
  if (!equal_constant_time(as_bytes(given), as_bytes(wanted)) || *live == nullptr) {
    // An unknown space costs a look into the catalog; so must a wrong token.
    if (*live != nullptr)
      if (auto missed = catalog.space(Id::random()); !missed) return tl::unexpected(missed.error());
    return no_such_space();
  }
  const std::lock_guard lock((*live)->mutex);
  if (auto open = still_open(**live); !open) return tl::unexpected(open.error());
  return live;
}

std::uint64_t Rules::next_seq(const LiveSpace& live) const {
  const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(0, clock.wall().time_since_epoch().count()));
  return std::max({live.seq.load() + 1, live.row.seq + 1, now});
}

void Rules::bump(LiveSpace& live, Transaction& transaction, const std::function<void(SpaceRow&)>& edit) {
  const std::lock_guard lock(live.mutex);
  live.row.seq = next_seq(live);
  if (edit) edit(live.row);
  transaction.put_space(live.row);
}

void Rules::announce(LiveSpace& live) {
  {
    const std::lock_guard lock(live.mutex);
    live.seq = std::max(live.seq.load(), live.row.seq);
  }
  events.space_changed(live.row.guid);
}

void Rules::tick(LiveSpace& live) {
  {
    const std::lock_guard lock(live.mutex);
    const Steady now = clock.steady();
    if (live.last_tick != Steady{} && now - live.last_tick < tick_interval) return;
    live.last_tick = now;
    live.seq = next_seq(live);
  }
  events.space_changed(live.row.guid);
}

void Rules::touch(LiveSpace& live) {
  {
    const std::lock_guard lock(live.mutex);
    live.seq = next_seq(live);
  }
  events.space_changed(live.row.guid);
}

Result<void> Rules::go_on(const std::stop_token& stop) const {
  if (stopping.load(std::memory_order_relaxed) || stop.stop_requested())
    return fail(Kind::unavailable, "the server is stopping");
  return {};
}

Result<void> read_through(const Rules& rules, const Opened& blob, std::uint64_t offset, std::uint64_t size,
                          const std::function<Result<void>(ByteView)>& take, const std::stop_token& stop) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(size, 256U << 10));
  while (size > 0) {
    if (auto on = rules.go_on(stop); !on) return on;
    const std::size_t wanted = std::min<std::uint64_t>(size, buffer.size());
    auto got = blob.read_at(offset, {buffer.data(), wanted});
    if (!got) return tl::unexpected(got.error());
    if (*got < wanted) return fail(Kind::integrity, "stored bytes are missing");
    if (auto taken = take({buffer.data(), wanted}); !taken) return taken;
    offset += wanted;
    size -= wanted;
  }
  return {};
}

}  // namespace qrx::space
