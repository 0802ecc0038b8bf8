#include "space/spaces.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "space/blocking.h"
#include "space/checking.h"
#include "space/page_start.h"
#include "space/reading.h"
#include "space/recovery.h"
#include "space/rules.h"
#include "space/sweeping.h"
#include "space/views.h"
#include "wire/age_text.h"
#include "wire/limits.h"

namespace qrx::space {
namespace {

// A wish may only be narrower than what the server allows; 0 is no limit on either side.
std::uint64_t stricter(const std::optional<std::uint64_t>& wish, std::uint64_t limit) {
  // Catalogs keep signed numbers: more than these have is no limit, but must not become a negative one.
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  limit = std::min(limit, most);
  const std::uint64_t wanted = std::min(wish.value_or(0), most);
  if (wanted == 0) return limit;
  return limit == 0 ? wanted : std::min(wanted, limit);
}

// Who asks for more than there is gets the most there is, and sees it in the answer.
Result<WallTime> expiry(WallTime now, Seconds wish, Seconds most) {
  if (wish <= Seconds(0)) return fail(Kind::usage, "the time until expiry must be more than zero");
  return now + (most == Seconds(0) ? wish : std::min(wish, most));
}

}  // namespace

Spaces::Spaces(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, Policy policy)
    : rules_(std::make_unique<Rules>(catalog, blobs, clock, events, policy)) {}

Spaces::~Spaces() = default;

const Policy& Spaces::policy() const {
  return rules_->context.policy;
}

Result<Created> Spaces::create(const wire::CreateSpace& wish) {
  if (wish.label.size() > wire::most_label_bytes || !is_valid_utf8(wish.label))
    return fail(Kind::usage, "the label is not UTF-8 or longer than 200 bytes");
  const std::string key = to_lower_ascii(wish.key);
  if (!key.empty() && !wire::is_age_recipient(key)) return fail(Kind::usage, "the key is not an age recipient");
  const Policy& policy = rules_->context.policy;
  const WallTime now = rules_->context.clock.wall();
  auto expires = expiry(now, wish.expire.value_or(policy.expire), policy.max_expire);
  if (!expires) return tl::unexpected(expires.error());
  // On a full disk no space is opened that could take nothing.
  if (auto room = rules_->quotas.room_on_disk(0); !room) return tl::unexpected(room.error());

  Created created;
  created.token = Token::random();
  SpaceRow& row = created.space;
  row.guid = Id::random();
  row.owner_hash = qrx::sha256(as_bytes(created.token.text()));
  row.label = wish.label;
  row.key = key;
  row.seal = wish.seal;
  row.packs = wish.packs;
  row.limits.max_size = stricter(wish.max_size, policy.max_size);
  row.limits.max_files = stricter(wish.max_files, policy.max_files);
  row.created = now;
  row.expires = *expires;
  // Versions go with the clock from the first one on (Versions::next).
  row.seq = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch().count()));
  // Counted before its row: many requests at once cannot pass the limit together.
  if (auto room = rules_->quotas.take_space(); !room) return tl::unexpected(room.error());
  auto changed =
      rules_->context.catalog.change(rules_->context.durability(), [&](Transaction& transaction) -> Result<void> {
        transaction.put_space(row);
        return {};
      });
  if (changed) return created;
  rules_->quotas.give_back_space();
  return tl::unexpected(changed.error());
}

Result<SpaceRow> Spaces::owned(const Guid& guid, std::string_view token) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  const SpaceLock lock(**live);
  return (*live)->row;
}

Result<wire::SpaceInfo> Spaces::view(const Guid& guid, std::string_view token, const PageStart& from,
                                     const PageSize& size) {
  auto entered = rules_->registry.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  wire::SpaceInfo info;
  // Before the rest is read: what changes after it gets a version of its own.
  info.seq = live.version;
  auto page = rules_->context.catalog.committed(guid, from, size);
  if (!page) return tl::unexpected(page.error());
  {
    const SpaceLock lock(live);
    const SpaceRow& row = live.row;
    info.guid = guid;
    info.label = row.label;
    info.state = row.phase == Phase::open ? wire::SpaceState::open : wire::SpaceState::closed;
    info.expires = row.expires;
    info.limits = row.limits;
    info.seal = row.seal;
  }
  info.deliveries = to_infos(std::move(page->deliveries));
  if (page->next) info.next = to_text(*page->next);
  if (from == PageStart{}) {
    info.uploads = uploads_of(live, size);
    info.open = open_deliveries_of(live, size.files);
  }
  return info;
}

std::optional<std::uint64_t> Spaces::seq(const Guid& guid) {
  auto live = rules_->registry.enter(guid);
  if (!live) return std::nullopt;
  // From memory: whoever waits for a change asks this again and again.
  return (*live)->version.load();
}

Result<void> Spaces::extend(const Guid& guid, std::string_view token, const wire::ChangeSpace& change) {
  auto entered = rules_->registry.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const SharedGate gate(live);
  SpaceChange wish;
  if (change.expire) {
    auto wanted = expiry(rules_->context.clock.wall(), *change.expire, rules_->context.policy.max_expire);
    if (!wanted) return tl::unexpected(wanted.error());
    wish.expires = *wanted;
  }
  if (change.state) wish.phase = *change.state == wire::SpaceState::open ? Phase::open : Phase::closed;
  {
    const SpaceLock lock(live);
    if (auto open = rules_->registry.still_open(lock, live); !open) return open;
  }
  return rules_->versions.change(live, wish);
}

Result<void> Spaces::remove(const Guid& guid, std::string_view token, std::optional<std::uint64_t> deliveries) {
  if (auto live = rules_->registry.enter(guid, token); !live) return tl::unexpected(live.error());
  auto erased = rules_->erasing.erase(guid, false, deliveries);
  if (!erased) return tl::unexpected(erased.error());
  return {};
}

Result<std::vector<SpaceSummary>> Spaces::list(const Guid& after, std::size_t most) {
  return rules_->context.catalog.summaries(after, most);
}

Result<void> Spaces::block(const Guid& guid) {
  return space::block(*rules_, guid);
}

Result<void> Spaces::remove_by_operator(const Guid& guid) {
  auto erased = rules_->erasing.erase(guid, false);
  if (!erased) return tl::unexpected(erased.error());
  return erased->done ? Result<void>() : no_such_space();
}

Result<wire::DropInfo> Spaces::drop(const Guid& guid) {
  auto live = rules_->registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  const SpaceLock lock(**live);
  return drop_info(lock, **live);
}

Result<void> Spaces::known(const Guid& guid) {
  return rules_->registry.enter(guid).map([](const LivePtr&) {});
}

std::uint64_t Spaces::taken_over() const {
  return rules_->context.taken_over;
}

// Writers keep what arrived and answer; those that wait for an upload's lock are woken. `stopping` is set first, so
// that nobody begins behind the loop.
void Spaces::stop() {
  rules_->context.stopping = true;
  for (const LivePtr& live : rules_->registry.all()) {
    const SpaceLock lock(*live);
    for (const auto& [id, upload] : live->uploads) {
      upload->stop = StopReason::stopping;
      upload->released.notify_all();
    }
  }
}

// --- what the parts do

Result<Recovered> Spaces::recover(std::stop_token stop) {
  return space::recover(*rules_, stop);
}

Result<Swept> Spaces::sweep(std::stop_token stop) {
  return space::sweep(*rules_, stop);
}

Result<Checked> Spaces::check(const std::function<void(const std::string&)>& tell, std::stop_token stop) {
  return space::check(rules_->context, tell, stop);
}

Result<std::shared_ptr<Content>> Spaces::content(const Guid& guid, std::string_view token, const Id& file) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  return open_content(rules_->context, *live, file);
}

Result<std::unique_ptr<StoredFiles>> Spaces::contents(const Guid& guid, std::string_view token, const Id& delivery,
                                                      std::span<const Id> files) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  return open_contents(rules_->context, *live, delivery, files);
}

Result<Sha256Sum> Spaces::sha256(const FileRow& file, std::stop_token stop) {
  return sha256_of(rules_->context, rules_->registry, file, stop);
}

Result<DeliveryRow> Spaces::open_delivery(const Guid& guid, const wire::CreateDelivery& wish, const Sender& sender) {
  if (auto fits = wire::check_message(wish.message); !fits) return tl::unexpected(fits.error());
  auto live = rules_->registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return rules_->deliveries.open(**live, wish, sender);
}

Result<wire::DeliveryState> Spaces::delivery(const Guid& guid, const Id& delivery) {
  auto live = rules_->registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return rules_->deliveries.state(**live, delivery);
}

Result<wire::DeliveryStatus> Spaces::status(const Guid& guid, const Id& delivery, bool unsaved) {
  auto live = rules_->registry.enter(guid);
  // A receiver saves, and deletes the space: the sender that waits must still hear that it was saved.
  if (!live && live.error().kind == Kind::not_found) {
    auto said = rules_->receipts.of_gone_space(guid, delivery);
    if (!said) return tl::unexpected(said.error());
    if (*said) return std::move(**said);
  }
  if (!live) return tl::unexpected(live.error());
  auto committed = rules_->receipts.status(**live, delivery, unsaved);
  if (committed || committed.error().kind != Kind::not_found) return committed;
  // One that was committed between the two looks is found here, too.
  auto open = rules_->deliveries.state(**live, delivery);
  if (!open) return tl::unexpected(open.error());
  wire::DeliveryStatus out{delivery, open->committed, {}, 0, std::nullopt};
  if (!unsaved)
    for (auto& file : open->files) out.files.push_back({std::move(file), wire::ReceiptState::none});
  return out;
}

std::optional<std::uint64_t> Spaces::delivery_seq(const Guid& guid, const Id& delivery) {
  auto live = rules_->registry.enter(guid);
  if (!live) {
    const auto said = rules_->receipts.of_gone_space(guid, delivery);
    return said && *said ? std::optional((*said)->seq) : std::nullopt;
  }
  {
    const SpaceLock lock(**live);
    if ((*live)->open.contains(delivery)) return 0;
  }
  const auto version = rules_->receipts.version(delivery);
  return version ? std::optional(*version) : std::nullopt;
}

std::uint64_t Spaces::files_to_read(const Guid& guid, const Id& delivery) {
  auto live = rules_->registry.enter(guid);
  if (!live) return 0;
  const SpaceLock lock(**live);
  const auto open = (*live)->open.find(delivery);
  return open == (*live)->open.end() ? (*live)->files_held()
                                     : open->second->stored.size() + open->second->pack.files.size();
}

std::uint64_t Spaces::files_held(const Guid& guid) {
  auto live = rules_->registry.enter(guid);
  if (!live) return 0;
  const SpaceLock lock(**live);
  return (*live)->files_held();
}

Result<void> Spaces::record_receipt(const Guid& guid, std::string_view token, const Id& delivery,
                                    const wire::Receipt& receipt) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  return rules_->receipts.record(**live, delivery, receipt);
}

Result<void> Spaces::set_message(const Guid& guid, const Id& delivery, const std::string& message) {
  if (auto fits = wire::check_message(message); !fits) return fits;
  auto live = rules_->registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  {
    const SpaceLock lock(**live);
    auto open = rules_->registry.open_delivery(lock, **live, delivery);
    if (!open) return tl::unexpected(open.error());
    auto& kept = (*open)->row.message;
    if (auto held = (*open)->memory.replace(kept.size(), message.size()); !held) return held;
    kept = message;
  }
  // In memory only: it becomes durable with the commit, whose row has it.
  if (!rules_->context.policy.shared) return {};
  std::optional<SpaceHead> head;
  auto changed = rules_->context.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    auto open = transaction.open_delivery(delivery);
    if (!open) return no_such_delivery();
    open->row.message = message;
    transaction.put_delivery(open->row);
    return rules_->versions.note(**live, transaction, head);
  });
  if (changed) rules_->versions.publish(**live, head);
  return changed;
}

Result<wire::DeliveryState> Spaces::commit(const Guid& guid, const Id& delivery, const wire::CommitDelivery& wish) {
  auto live = rules_->registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return rules_->deliveries.commit(**live, delivery, wish);
}

Result<void> Spaces::cancel(const Guid& guid, const Id& delivery) {
  auto live = rules_->registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return rules_->deliveries.end(**live, delivery, false);
}

Result<void> Spaces::end_delivery(const Guid& guid, std::string_view token, const Id& delivery) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  return rules_->deliveries.end(**live, delivery, true);
}

Result<void> Spaces::clear_delivery(const Guid& guid, std::string_view token, const Id& delivery) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  return rules_->clearing.clear(**live, delivery);
}

Result<FileRow> Spaces::put_small(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                                  const wire::FileProperties& properties, const Sender& sender) {
  return rules_->whole_files.put(guid, delivery, name, bytes, properties, sender);
}

Result<std::unique_ptr<FileBatch>> Spaces::begin_batch(const Guid& guid, const Id& delivery, const Sender& sender) {
  return rules_->whole_files.begin(guid, delivery, sender);
}

Result<UploadRow> Spaces::create_upload(const Guid& guid, const NewUpload& wish, const Sender& sender) {
  return rules_->upload_requests.create(guid, wish, sender);
}

Result<UploadRow> Spaces::upload(const Guid& guid, const Id& upload) {
  return rules_->upload_requests.row(guid, upload);
}

Result<void> Spaces::set_length(const Guid& guid, const Id& upload, std::uint64_t length) {
  return rules_->upload_requests.set_length(guid, upload, length);
}

Result<std::unique_ptr<UploadWriter>> Spaces::write(const Guid& guid, const Id& upload, std::uint64_t offset,
                                                    std::optional<ChunkChecksum> expected, const Sender& sender) {
  return rules_->upload_requests.write(guid, upload, offset, std::move(expected), sender);
}

std::uint64_t Spaces::unread(const Guid& guid, const Id& upload) {
  return rules_->upload_requests.unread(guid, upload);
}

Result<void> Spaces::catch_up(const Guid& guid, const Id& upload, std::stop_token stop) {
  return rules_->upload_requests.catch_up(guid, upload, stop);
}

Result<void> Spaces::remove_upload(const Guid& guid, const Id& upload) {
  return rules_->upload_requests.withdraw(guid, upload);
}

Result<void> Spaces::end_upload(const Guid& guid, std::string_view token, const Id& upload) {
  return rules_->upload_requests.end(guid, token, upload);
}

Result<UploadRow> Spaces::concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                      std::stop_token stop) {
  return rules_->upload_requests.concatenate(guid, wish, parts, stop);
}

std::string_view Spaces::upload_checksum_algorithms() {
  return "md5,sha1,sha256,xxh128";
}

}  // namespace qrx::space
