#include <algorithm>

#include "space/content_type.h"
#include "space/writer.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

constexpr std::size_t most_metadata_bytes = 16U << 10;
// How long a holder has to notice that it is asked to stop, before a newcomer looks whether it is at work at all.
constexpr auto ask_again = Millis(250);
// Uploads without a byte, of one space: they cost a row and an empty file each.
constexpr std::size_t most_empty = 1024;
constexpr std::uint64_t most_empty_of_peer = most_empty / 4;
constexpr auto idle_after = Seconds(10);  // then one yields to others than its own sender, too

tl::unexpected<Error> lost_bytes() {
  return fail(Kind::gone, "the bytes of this upload were lost: begin again");
}

Result<void> check_wish(const NewUpload& wish) {
  if (wish.metadata.size() > most_metadata_bytes) return fail(Kind::usage, "the metadata of the upload is too long");
  if (wish.partial && wish.name.empty()) return {};
  return wire::check_name(wish.name);
}

UploadRow row_of(const FileRow& file) {
  UploadRow row;
  row.upload = file.file;
  row.delivery = file.delivery;
  row.guid = file.guid;
  row.name = file.name;
  row.length = file.size;
  row.offset = file.size;
  row.blob = file.blob;
  return row;
}

}  // namespace

std::string_view Spaces::upload_checksum_algorithms() {
  return "md5,sha1,sha256,xxh128";
}

Result<UploadPtr> Rules::find_upload(LiveSpace& live, const Id& upload) {
  if (auto open = still_open(live); !open) return tl::unexpected(open.error());
  const auto found = live.uploads.find(upload);
  if (found == live.uploads.end()) return no_such_upload();
  const LiveUpload& one = *found->second;
  if (one.row.damaged) return lost_bytes();
  if (!one.held && one.row.expires <= clock.wall()) return fail(Kind::gone, "this upload has expired");
  return found->second;
}

Result<UploadPtr> Rules::hold(LiveSpace& live, const Id& upload) {
  const auto deadline = std::chrono::steady_clock::now() + policy.lock_wait;
  std::unique_lock lock(live.mutex);
  struct Newcomer {
    UploadPtr upload;
    ~Newcomer() {
      if (upload) upload->newcomer = false;
    }
  } waiting;  // goes before the lock does
  for (;;) {
    if (stopping) return fail(Kind::unavailable, "the server is stopping");
    auto found = find_upload(live, upload);
    if (!found) return found;
    LiveUpload& one = **found;
    if (!one.held) {
      one.held = true;
      one.stop = StopReason::none;
      return found;
    }
    if (waiting.upload == nullptr) {  // one may wait, for it takes a thread
      if (one.newcomer) return fail(Kind::locked, "another request waits to write this upload");
      one.newcomer = true;
      waiting.upload = *found;
    }
    one.stop = StopReason::newcomer;
    const auto soon = std::min(deadline, std::chrono::steady_clock::now() + ask_again);
    if (one.released.wait_until(lock, soon) == std::cv_status::no_timeout || !one.held) continue;
    lock.unlock();
    Writer::take_from_idle(one);
    lock.lock();
    if (one.held && std::chrono::steady_clock::now() >= deadline)
      return fail(Kind::locked, "another request writes this upload");
  }
}

void Rules::let_go(LiveSpace& live, LiveUpload& upload) {
  const std::lock_guard lock(live.mutex);
  upload.held = false;
  upload.released.notify_all();
}

Result<FileRow> Rules::completed_upload(const LiveSpace& live, const Id& upload) {
  auto file = catalog.file(upload);
  if (!file) return tl::unexpected(file.error());
  if (!*file || (*file)->guid != live.row.guid) return no_such_upload();
  return std::move(**file);
}

Result<void> Rules::sum_up_to(LiveUpload& upload, std::uint64_t end, const std::stop_token& stop) {
  if (upload.summed == end) return {};
  std::uint64_t from = std::exchange(upload.summed, Growing::unknown);
  if (from > end) {  // or unknown
    upload.sum.reset();
    from = 0;
  }
  if (end > from) {
    auto blob = blobs.open(upload.row.blob);
    if (!blob) return tl::unexpected(blob.error());
    const auto add = [&](ByteView bytes) -> Result<void> {
      upload.sum.update(bytes);
      return {};
    };
    auto read = read_through(*this, **blob, from, end - from, add, stop);
    if (!read) return read;
  }
  upload.summed = end;
  return {};
}

void Rules::spoil(LiveSpace& live, LiveUpload& upload) {
  {
    const std::lock_guard lock(live.mutex);
    upload.row.damaged = true;
  }
  upload.growing->growth = Content::Growth::ended;
  // Should this row not reach the disk, the next start finds out by itself.
  (void)catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    const std::lock_guard lock(live.mutex);
    const UploadRow& row = upload.row;
    if (transaction.advance_upload(row.upload, row.epoch, row.offset))
      transaction.put_upload(row);  // not one that was removed
    return {};
  });
  events.upload_grew(upload.row.upload);
  touch(live);
}

Result<UploadPtr> Rules::find_yielding(LiveSpace& live, const std::string& peer) {
  std::size_t of_peer = 0;
  for (const auto& [number, upload] : live.empty) of_peer += upload->peer == peer ? 1 : 0;
  // A space for few files needs few of them; one file may be sent in many parts.
  const std::uint64_t files = live.row.limits.max_files;
  const std::uint64_t most_of_peer = files == 0 ? most_empty_of_peer : std::min(most_empty_of_peer, files + 64);
  const bool own = of_peer >= most_of_peer;
  if (!own && live.empty.size() < most_empty) return UploadPtr();
  const Steady idle_since = clock.steady() - idle_after;
  for (const auto& [number, upload] : live.empty) {
    if (upload->held || (own && upload->peer != peer) || (!own && upload->progress.load() > idle_since)) continue;
    upload->held = true;
    return upload;
  }
  return fail(Kind::too_many, "this space has too many uploads that were begun and got no bytes");
}

// What was asked for, not in the space yet.
static UploadPtr new_live_upload(LiveSpace& live, const NewUpload& asked, WallTime now) {
  auto upload = std::make_shared<LiveUpload>();
  UploadRow& row = upload->row;
  row.upload = row.blob = Id::random();
  row.guid = live.row.guid;
  row.name = asked.name;
  row.metadata = asked.metadata;
  row.length = asked.length;
  row.epoch = 1;
  row.partial = asked.partial;
  row.lone = !asked.delivery && !asked.partial;
  row.created = now;
  upload->untouched = true;
  upload->growing->length = asked.length.value_or(Growing::unknown);
  return upload;
}

Result<UploadPtr> Rules::begin_upload(LiveSpace& live, const Wish& wish) {
  const NewUpload& asked = wish.upload;
  const std::uint64_t bytes = asked.length.value_or(0);
  const WallTime now = clock.wall();
  const UploadPtr upload = new_live_upload(live, asked, now);
  UploadRow& row = upload->row;
  DeliveryPtr own;
  if (row.lone) {
    own = std::make_shared<LiveDelivery>();
    own->lone = true;
    own->row.delivery = Id::random();
    own->row.guid = row.guid;
    own->row.created = now;
    own->last_used = clock.steady();
    row.delivery = own->row.delivery;
  }
  UploadPtr yielding;
  {
    const std::lock_guard lock(live.mutex);
    if (auto open = still_open(live); !open) return tl::unexpected(open.error());
    if (asked.delivery) {
      auto delivery = find_delivery(live, *asked.delivery);
      if (!delivery) return tl::unexpected(delivery.error());
      if ((*delivery)->committing) return fail(Kind::conflict, "this delivery is being committed");
      (*delivery)->last_used = clock.steady();
      row.delivery = *asked.delivery;
      // The answer to a creation was lost and its sender asks again: the same upload, or the first would never be
      // completed and the delivery never be committed.
      for (const auto& [number, one] : live.empty)
        if (!one->held && !asked.partial && !one->row.partial && one->row.delivery == row.delivery &&
            one->row.name == asked.name && one->row.length == asked.length && one->row.metadata == asked.metadata) {
          one->progress = clock.steady();
          return one;
        }
    } else if (live.row.phase == Phase::closed) {
      return fail(Kind::denied, "the receiver has finished: this link takes no more files");
    }
    row.expires = std::min(live.row.expires, now + policy.upload_expire);
    // Of an empty file nothing more comes: it is there with its creation.
    const bool at_once = wish.at_once || (bytes == 0 && asked.length && !asked.partial);
    auto room = at_once ? claim(live, *upload, bytes, wish.bytes_freed) : promise(live, *upload, bytes, wish.peer);
    if (!room) return tl::unexpected(room.error());
    if (!at_once) {
      auto found = find_yielding(live, wish.peer);
      if (!found) {
        release(live, *upload);
        return tl::unexpected(found.error());
      }
      yielding = std::move(*found);
    }
  }
  const auto begun = [&]() -> Result<void> {
    if (yielding)
      if (auto dropped = drop_upload(live, yielding, Durability::lazy); !dropped) {
        let_go(live, *yielding);
        return dropped;
      }
    // The row first: a blob without one would be taken for an orphan.
    auto changed = catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      if (own) transaction.put_delivery(own->row);
      transaction.put_upload(row);
      return {};
    });
    if (!changed) return changed;
    auto made = blobs.create(row.blob);
    if (made) return {};
    (void)catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      if (own) transaction.remove_delivery(own->row.delivery);
      transaction.remove_upload(row.upload);
      return {};
    });
    return tl::unexpected(made.error());
  }();
  const std::lock_guard lock(live.mutex);
  if (!begun) {
    release(live, *upload);
    return tl::unexpected(begun.error());
  }
  if (own) live.open.emplace(own->row.delivery, own);
  live.uploads.emplace(row.upload, upload);
  if (!upload->weighs) live.empty.emplace(upload->number = live.next_number++, upload);
  return upload;
}

Result<UploadRow> Spaces::create_upload(const Guid& guid, const NewUpload& wish, const Sender& sender) {
  if (auto checked = check_wish(wish); !checked) return tl::unexpected(checked.error());
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::shared_lock gate((*live)->gate);
  auto upload = impl_->begin_upload(**live, {wish, peer_key(sender.peer)});
  if (!upload) return tl::unexpected(upload.error());
  UploadRow row;
  {
    const std::lock_guard lock((*live)->mutex);
    row = (*upload)->row;
  }
  impl_->touch(**live);
  // Nothing is left to send for an empty file.
  if (row.length == 0U && !row.partial) {
    auto held = impl_->hold(**live, row.upload);
    // The same creation, at the same time, has completed it meanwhile.
    if (!held && held.error().kind == Kind::not_found) return impl_->completed_upload(**live, row.upload).map(row_of);
    if (!held) return tl::unexpected(held.error());
    const Hold hold(*impl_, *live, *held);
    if (auto file = impl_->complete(**live, *held); !file) {
      if (!(*held)->removed) (void)impl_->drop_upload(**live, *held, impl_->durable());  // nobody was told of it
      return tl::unexpected(file.error());
    }
  }
  return row;
}

Result<UploadRow> Spaces::upload(const Guid& guid, const Id& upload) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  {
    const std::lock_guard lock((*live)->mutex);
    auto found = impl_->find_upload(**live, upload);
    if (found) return (*found)->row;
    if (found.error().kind != Kind::not_found) return tl::unexpected(found.error());
  }
  return impl_->completed_upload(**live, upload).map(row_of);
}

Result<void> Spaces::set_length(const Guid& guid, const Id& upload, std::uint64_t length) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  auto held = impl_->hold(**live, upload);
  if (!held) return tl::unexpected(held.error());
  const Hold hold(*impl_, *live, *held);
  const std::shared_lock gate((*live)->gate);
  LiveUpload& one = **held;
  {
    const std::lock_guard lock((*live)->mutex);
    if (one.row.length == length) return {};
    if (one.row.length) return fail(Kind::conflict, "the length of this upload is set already");
    if (length < one.row.offset) return fail(Kind::usage, "the length is less than what was uploaded");
    const std::uint64_t more = length - std::min(length, one.counted);
    auto room = more == 0 ? impl_->claim(**live, one, 0) : impl_->promise(**live, one, more, one.peer);
    if (!room) return room;
    one.row.length = length;
  }
  auto changed = impl_->catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    if (!transaction.advance_upload(upload, one.row.epoch, one.row.offset))
      return no_such_upload();  // removed meanwhile
    transaction.put_upload(one.row);
    return {};
  });
  if (!changed) {
    const std::lock_guard lock((*live)->mutex);
    if (one.removed) return changed;  // with all that was counted
    impl_->withdraw(**live, one);
    one.row.length.reset();
    return changed;
  }
  one.growing->length = length;
  if (one.row.offset == length && !one.row.partial)
    if (auto file = impl_->complete(**live, *held); !file) return tl::unexpected(file.error());
  impl_->touch(**live);
  return {};
}

Result<std::unique_ptr<UploadWriter>> Spaces::write(const Guid& guid, const Id& upload, std::uint64_t offset,
                                                    std::optional<ChunkChecksum> expected, const Sender& sender) {
  std::optional<Writer::Checksum> checksum;
  if (expected) {
    auto running = NamedSum::start(expected->algorithm);
    if (!running) return fail(Kind::usage, "unknown checksum algorithm");
    checksum = Writer::Checksum{std::move(*running), std::move(expected->sum)};
  }
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const auto of_complete = [&]() -> Result<std::unique_ptr<UploadWriter>> {
    auto file = impl_->completed_upload(**live, upload);
    if (!file) return tl::unexpected(file.error());
    if (file->size != offset) return fail(Kind::conflict, "the upload is at byte " + std::to_string(file->size));
    return std::make_unique<CompleteWriter>(std::move(*file));
  };
  auto held = impl_->hold(**live, upload);
  if (!held && held.error().kind == Kind::not_found) return of_complete();
  if (!held) return tl::unexpected(held.error());
  Hold hold(*impl_, *live, *held);
  LiveUpload& one = **held;  // its row is ours to read while we hold it
  if (one.published) {
    const std::shared_lock gate((*live)->gate);
    if (auto file = impl_->complete(**live, *held); !file) return tl::unexpected(file.error());
    return of_complete();
  }
  if (one.row.offset != offset) return fail(Kind::conflict, "the upload is at byte " + std::to_string(one.row.offset));
  {
    const std::lock_guard lock((*live)->mutex);
    const std::uint64_t coming = one.row.length ? *one.row.length - offset : 0;
    if (auto room = impl_->promise(**live, one, coming, peer_key(sender.peer)); !room)
      return tl::unexpected(room.error());
  }
  auto staged = impl_->blobs.reopen(one.row.blob);
  if (!staged && staged.error().kind == Kind::not_found && offset == 0) staged = impl_->blobs.create(one.row.blob);
  if (!staged && staged.error().kind != Kind::not_found) return tl::unexpected(staged.error());
  auto size = staged ? (*staged)->size() : Result<std::uint64_t>(0);
  if (!size) return tl::unexpected(size.error());
  if (!staged || *size < offset) {
    impl_->spoil(**live, one);
    return lost_bytes();
  }
  // What a failed request left behind was never acknowledged.
  if (*size > offset)
    if (auto cut = (*staged)->truncate(offset); !cut) return tl::unexpected(cut.error());
  if (auto summed = impl_->sum_up_to(one, offset); !summed) return tl::unexpected(summed.error());
  if (!one.untouched) {
    auto changed = impl_->catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      if (!transaction.advance_upload(upload, one.row.epoch, one.row.offset))
        return no_such_upload();  // removed meanwhile
      const std::lock_guard lock((*live)->mutex);
      UploadRow row = one.row;
      ++row.epoch;
      row.expires = std::min((*live)->row.expires, impl_->clock.wall() + impl_->policy.upload_expire);
      transaction.put_upload(row);
      return {};
    });
    if (!changed) return tl::unexpected(changed.error());
    const std::lock_guard lock((*live)->mutex);
    ++one.row.epoch;
    one.row.expires = std::min((*live)->row.expires, impl_->clock.wall() + impl_->policy.upload_expire);
  }
  one.untouched = false;
  one.growing->arrived = offset;
  return std::make_unique<Writer>(*impl_, *live, *held, std::move(hold), std::move(*staged), std::move(checksum));
}

Result<FileRow> Rules::complete(LiveSpace& live, const UploadPtr& upload, const std::vector<UploadPtr>& parts,
                                const std::stop_token& stop) {
  const UploadRow& row = upload->row;
  const std::uint64_t length = row.length.value_or(0);
  if (auto summed = sum_up_to(*upload, length, stop); !summed) {
    if (summed.error().kind == Kind::integrity) spoil(live, *upload);
    return tl::unexpected(summed.error());
  }
  FileRow file;
  file.file = row.upload;
  file.delivery = row.delivery;
  file.guid = row.guid;
  file.name = row.name;
  file.size = length;
  file.xxh128 = upload->sum.sum();
  file.blob = row.blob;
  {
    auto blob = blobs.open(row.blob);
    if (!blob) return tl::unexpected(blob.error());
    std::byte beginning[sniffed_bytes];
    auto read = (*blob)->read_at(0, beginning);
    if (!read) return tl::unexpected(read.error());
    const Sniffed sniffed = sniff({beginning, std::min<std::size_t>(*read, length)}, length <= sniffed_bytes);
    file.type = sniffed.type;
    file.sealed = sniffed.sealed;
    // Its first bytes were checked as they came, but one that is cut short, or made of parts, shows only now.
    if (live.row.seal == Seal::require && !is_sealed({beginning, std::min<std::size_t>(*read, length)})) {
      (void)drop_upload(live, upload, durable());  // no request can complete it any more
      return sealed_only();
    }
  }
  if (!upload->published) {
    if (auto published = blobs.publish({row.blob}); !published) {
      // When it had moved already, nobody knows whether the move is durable.
      if (auto still_staged = blobs.reopen(row.blob); !still_staged) spoil(live, *upload);
      return tl::unexpected(published.error());
    }
    upload->published = true;
  }
  std::optional<FileRow> replaced;
  DeliveryRow delivery;
  {
    const std::lock_guard lock(live.mutex);
    const auto found = live.open.find(row.delivery);
    if (found == live.open.end()) return no_such_delivery();
    delivery = found->second->row;
    for (const FileRow& other : found->second->stored)
      if (other.name == file.name) replaced = other;
  }
  if (row.lone) delivery.committed = clock.wall();
  auto changed = catalog.change(durable(), [&](Transaction& transaction) -> Result<void> {
    if (!transaction.advance_upload(row.upload, row.epoch, length))
      return fail(Kind::conflict, "someone else goes on with this upload");
    transaction.remove_upload(row.upload);
    for (const UploadPtr& part : parts) transaction.remove_upload(part->row.upload);
    transaction.put_file(file);
    if (row.lone) transaction.put_delivery(delivery);
    bump(live, transaction);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  {
    const std::lock_guard lock(live.mutex);
    live.uploads.erase(row.upload);
    const auto found = live.open.find(row.delivery);
    if (row.lone) {
      live.open.erase(found);
    } else {
      LiveDelivery& open = *found->second;
      open.stored.push_back(file);
      open.last_used = clock.steady();
      if (const auto small = open.pack.files.find(file.name); small != open.pack.files.end()) {
        give_back(live, 0, weight_of(small->first));
        open.pack.files.erase(small);
      }
    }
    for (const UploadPtr& part : parts) {
      part->removed = true;
      part->growing->growth = Content::Growth::ended;
      release(live, *part);
      live.uploads.erase(part->row.upload);
    }
    // After a crash its blob may be complete though less was counted.
    add(live, length - std::min(length, upload->counted), upload->weighs ? Weight{} : weight_of(row));
    withdraw(live, *upload);
    live.empty.erase(upload->number);
  }
  if (replaced) drop_replaced(live, *replaced);
  upload->growing->arrived = length;
  upload->growing->growth = Content::Growth::complete;
  events.upload_grew(row.upload);
  announce(live);
  return file;
}

Result<void> Rules::drop_upload(LiveSpace& live, const UploadPtr& upload, Durability how) {
  const Removing removing_these(*this, {upload->row.blob});
  auto changed = catalog.change(how, [&](Transaction& transaction) -> Result<void> {
    transaction.remove_upload(upload->row.upload);
    if (upload->row.lone) transaction.remove_delivery(upload->row.delivery);
    return {};
  });
  if (!changed) return changed;
  {
    const std::lock_guard lock(live.mutex);
    upload->removed = true;
    upload->stop = StopReason::removed;
    live.uploads.erase(upload->row.upload);
    if (upload->row.lone) live.open.erase(upload->row.delivery);
    release(live, *upload);
    upload->released.notify_all();
  }
  upload->growing->growth = Content::Growth::ended;
  auto removed = blobs.remove(upload->row.blob);
  events.upload_grew(upload->row.upload);
  touch(live);
  return removed;
}

Result<bool> Rules::end_upload(LiveSpace& live, const Id& upload) {
  const std::unique_lock gate(live.gate);
  UploadPtr found;
  {
    const std::lock_guard lock(live.mutex);
    if (auto open = still_open(live); !open) return tl::unexpected(open.error());
    if (const auto at = live.uploads.find(upload); at != live.uploads.end()) found = at->second;
  }
  if (found) return drop_upload(live, found, durable()).map([] { return true; });
  if (auto file = completed_upload(live, upload); !file) return tl::unexpected(file.error());
  return false;
}

Result<void> Spaces::remove_upload(const Guid& guid, const Id& upload) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const auto ended = impl_->end_upload(**live, upload);
  if (!ended) return tl::unexpected(ended.error());
  if (!*ended) return fail(Kind::denied, "the upload is complete: who sent it cannot take it back");
  return {};
}

Result<void> Spaces::end_upload(const Guid& guid, std::string_view token, const Id& upload) {
  auto live = impl_->enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  const auto ended = impl_->end_upload(**live, upload);
  if (!ended) return tl::unexpected(ended.error());
  if (!*ended) return fail(Kind::conflict, "this upload is complete");
  return {};
}

}  // namespace qrx::space
