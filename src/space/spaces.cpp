#include "space/spaces.h"

#include <algorithm>

#include "base/text.h"
#include "space/live.h"
#include "space/page_start.h"

namespace qrx::space {
namespace {

constexpr std::size_t most_label_bytes = 200;

// An age v1 recipient as text: Bech32 of 32 bytes. Its checksum is the business of who seals.
bool is_recipient(std::string_view text) {
  constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  return text.size() == 62 && text.starts_with("age1") &&
         text.substr(4).find_first_not_of(alphabet) == std::string_view::npos;
}

std::uint64_t stricter(const std::optional<std::uint64_t>& wish, std::uint64_t limit) {
  const std::uint64_t wanted = wish.value_or(0);
  if (wanted == 0) return limit;
  return limit == 0 ? wanted : std::min(wanted, limit);
}

Result<WallTime> expiry(WallTime now, Seconds wish, Seconds most) {
  if (wish <= Seconds(0)) return fail(Kind::usage, "the time until expiry must be more than nothing");
  return now + std::min(wish, most);
}

// The oldest of those in progress, as many as a page has files.
std::vector<wire::UploadInfo> uploads_of(LiveSpace& live, const PageSize& size) {
  std::vector<std::pair<WallTime, wire::UploadInfo>> uploads;
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [id, upload] : live.uploads) {
      const UploadRow& one = upload->row;
      if (one.partial || one.damaged) continue;
      uploads.push_back({one.created, {id, one.delivery, one.name, upload->growing->arrived, one.length, {}}});
    }
    // Complete, but their delivery is not: it would look as if they had vanished.
    for (const auto& [id, delivery] : live.open)
      for (const FileRow& file : delivery->stored)
        uploads.push_back({delivery->row.created, {file.file, id, file.name, file.size, file.size, {}}});
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

// Deliveries of several files that are not committed; each lone one is an upload of its own.
std::vector<wire::OpenDelivery> open_deliveries_of(LiveSpace& live, std::size_t most) {
  std::vector<wire::OpenDelivery> out;
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [id, delivery] : live.open) {
      if (delivery->lone) continue;
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

}  // namespace

Spaces::Spaces(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, Policy policy)
    : impl_(std::make_unique<Impl>(catalog, blobs, clock, events, policy)) {}

Spaces::~Spaces() = default;

const Policy& Spaces::policy() const {
  return impl_->policy;
}

Result<Created> Spaces::create(const wire::CreateSpace& wish) {
  if (wish.label.size() > most_label_bytes || !is_valid_utf8(wish.label))
    return fail(Kind::usage, "the label is not UTF-8 or longer than 200 bytes");
  const std::string key = to_lower_ascii(wish.key);
  if (!key.empty() && !is_recipient(key)) return fail(Kind::usage, "the key is not an age recipient");
  const Policy& policy = impl_->policy;
  const WallTime now = impl_->clock.wall();
  auto expires = expiry(now, wish.expire.value_or(policy.expire), policy.max_expire);
  if (!expires) return tl::unexpected(expires.error());
  if (auto room = impl_->room_on_disk(0); !room) return tl::unexpected(room.error());

  Created created;
  created.token = Token::random();
  SpaceRow& row = created.space;
  row.guid = Id::random();
  row.owner_hash = qrx::sha256(as_bytes(created.token.text()));
  row.label = wish.label;
  row.key = key;
  row.seal = wish.seal;
  row.limits.max_size = stricter(wish.max_size, policy.max_size);
  row.limits.max_files = stricter(wish.max_files, policy.max_files);
  row.created = now;
  row.expires = *expires;
  row.seq = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch().count()));
  {
    const std::lock_guard lock(impl_->totals_mutex);
    if (auto known = impl_->know_totals(); !known) return tl::unexpected(known.error());
    if (policy.max_spaces != 0 && impl_->spaces >= policy.max_spaces)
      return fail(Kind::no_room, "the server has no room for another space");
    ++impl_->spaces;
  }
  auto changed = impl_->catalog.change(impl_->durable(), [&](Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  });
  if (changed) return created;
  const std::lock_guard lock(impl_->totals_mutex);
  --impl_->spaces;
  return tl::unexpected(changed.error());
}

Result<SpaceRow> Spaces::owned(const Guid& guid, std::string_view token) {
  auto live = impl_->enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  const std::lock_guard lock((*live)->mutex);
  return (*live)->row;
}

Result<wire::SpaceInfo> Spaces::view(const Guid& guid, std::string_view token, const PageStart& from,
                                     const PageSize& size) {
  auto entered = impl_->enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  wire::SpaceInfo info;
  // Before the rest is read: what changes after it gets a seq of its own.
  info.seq = live.seq;
  auto page = impl_->catalog.committed(guid, from, size);
  if (!page) return tl::unexpected(page.error());
  {
    const std::lock_guard lock(live.mutex);
    const SpaceRow& row = live.row;
    info.guid = guid;
    info.label = row.label;
    info.state = row.phase == Phase::open ? wire::SpaceState::open : wire::SpaceState::closed;
    info.expires = row.expires;
    info.limits = row.limits;
    info.seal = row.seal;
  }
  info.deliveries = infos_of(std::move(page->deliveries));
  if (page->next) info.next = to_text(*page->next);
  if (from == PageStart{}) {
    info.uploads = uploads_of(live, size);
    info.open = open_deliveries_of(live, size.files);
  }
  return info;
}

std::optional<std::uint64_t> Spaces::seq(const Guid& guid) {
  auto live = impl_->enter(guid);
  if (!live) return std::nullopt;
  return (*live)->seq.load();
}

Result<void> Spaces::extend(const Guid& guid, std::string_view token, const wire::ChangeSpace& change) {
  auto entered = impl_->enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::shared_lock gate(live.gate);
  std::optional<WallTime> expires;
  if (change.expire) {
    auto wanted = expiry(impl_->clock.wall(), *change.expire, impl_->policy.max_expire);
    if (!wanted) return tl::unexpected(wanted.error());
    expires = *wanted;
  }
  std::optional<Phase> phase;
  if (change.state) phase = *change.state == wire::SpaceState::open ? Phase::open : Phase::closed;
  SpaceRow before;
  {
    const std::lock_guard lock(live.mutex);
    if (auto open = impl_->still_open(live); !open) return open;
    before = live.row;
  }
  auto changed = impl_->catalog.change(impl_->durable(), [&](Transaction& transaction) -> Result<void> {
    impl_->bump(live, transaction, [&](SpaceRow& row) {
      if (expires) row.expires = *expires;
      if (phase) row.phase = *phase;
    });
    return {};
  });
  if (!changed) {
    const std::lock_guard lock(live.mutex);
    if (expires) live.row.expires = before.expires;
    if (phase) live.row.phase = before.phase;
    return changed;
  }
  impl_->announce(live);
  return {};
}

Result<void> Spaces::remove(const Guid& guid, std::string_view token, std::optional<std::uint64_t> deliveries) {
  if (auto live = impl_->enter(guid, token); !live) return tl::unexpected(live.error());
  auto erased = impl_->erase(guid, false, deliveries);
  if (!erased) return tl::unexpected(erased.error());
  return {};
}

Result<std::vector<SpaceSummary>> Spaces::list(const Guid& after, std::size_t most) {
  return impl_->catalog.summaries(after, most);
}

Result<void> Spaces::block(const Guid& guid) {
  auto found = impl_->find(guid);
  if (!found) return tl::unexpected(found.error());
  if (*found == nullptr) return no_such_space();
  LiveSpace& live = **found;
  const std::shared_lock gate(live.gate);
  Phase before{};
  {
    const std::lock_guard lock(live.mutex);
    before = live.row.phase;
    if (before == Phase::dying) return no_such_space();
    for (const auto& [id, upload] : live.uploads) upload->stop = StopReason::stopping;
  }
  auto changed = impl_->catalog.change(impl_->durable(), [&](Transaction& transaction) -> Result<void> {
    impl_->bump(live, transaction, [](SpaceRow& row) { row.phase = Phase::blocked; });
    return {};
  });
  if (!changed) {
    const std::lock_guard lock(live.mutex);
    live.row.phase = before;
    return changed;
  }
  impl_->announce(live);
  return {};
}

Result<void> Spaces::remove_by_operator(const Guid& guid) {
  auto erased = impl_->erase(guid, false);
  if (!erased) return tl::unexpected(erased.error());
  return erased->done ? Result<void>() : no_such_space();
}

Result<wire::DropInfo> Spaces::drop(const Guid& guid) {
  auto entered = impl_->enter(guid);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::lock_guard lock(live.mutex);
  const SpaceRow& row = live.row;
  wire::DropInfo info;
  info.label = row.label;
  info.key = row.key;
  info.seal = row.seal;
  info.expires = row.expires;
  info.state = row.phase == Phase::open ? wire::SpaceState::open : wire::SpaceState::closed;
  // What is on its way does not count here: it may be the asker's own, from an earlier run.
  std::uint64_t bytes = live.bytes.used;
  std::uint64_t files = live.files.used;
  const auto on_its_way = [&](std::uint64_t size, Weight weight) {
    bytes -= std::min(bytes, size);
    files -= std::min(files, weight.files);
  };
  for (const auto& [id, upload] : live.uploads)
    on_its_way(upload->counted, upload->weighs ? weight_of(upload->row) : Weight{});
  for (const auto& [id, delivery] : live.open) {
    for (const FileRow& file : delivery->stored) on_its_way(file.size, weight_of(file.name));
    for (const auto& [name, file] : delivery->pack.files) on_its_way(0, weight_of(name));
    on_its_way(delivery->pack.end, {});
  }
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

Result<void> Spaces::known(const Guid& guid) {
  if (auto entered = impl_->enter(guid); !entered) return tl::unexpected(entered.error());
  return {};
}

void Spaces::stop() {
  impl_->stopping = true;
  std::vector<LivePtr> lives;
  {
    const std::lock_guard lock(impl_->lives_mutex);
    for (const auto& [guid, live] : impl_->lives) lives.push_back(live);
  }
  for (const LivePtr& live : lives) {
    const std::lock_guard lock(live->mutex);
    for (const auto& [id, upload] : live->uploads) {
      upload->stop = StopReason::stopping;
      upload->released.notify_all();
    }
  }
}

}  // namespace qrx::space
