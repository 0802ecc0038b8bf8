#include "space/quotas.h"

#include <algorithm>
#include <utility>

namespace qrx::space {
namespace {

// What counts the one file, manifest or part that this weighs.
template <class Space>
auto& ledger_of(Space& live, Weight weight) {
  return weight.parts > 0 ? live.parts : weight.manifests > 0 ? live.manifests : live.files;
}

// Of many nodes: how old the totals of the catalog may be. Asking at every write would make one row of it the
// bottleneck of all.
constexpr auto totals_last = Millis(1000);

std::uint64_t most_parts(const Limits& limits) {
  return limits.max_files == 0 ? 0 : limits.max_files + parts_beyond_files;
}
std::uint64_t limit_of(const LiveSpace& live, Weight weight) {
  return weight.parts > 0 ? most_parts(live.row.limits) : live.row.limits.max_files;
}

tl::unexpected<Error> takes_no_more(std::uint64_t limit, const char* what) {
  return fail(Kind::too_large, "this space accepts at most " + std::to_string(limit) + what);
}
tl::unexpected<Error> announced_by_others() {
  return fail(Kind::no_room_now, "the room that is left is reserved by uploads in progress; try again in a minute");
}
tl::unexpected<Error> taken_by_others() {
  return fail(Kind::no_room_now,
              "the room that is left is taken by files that are not delivered yet; try again in a minute");
}

tl::unexpected<Error> server_is_full() {
  return fail(Kind::no_room, "the server takes no more data now");
}
tl::unexpected<Error> disk_is_full() {
  return fail(Kind::no_room, "the server's disk is full");
}

// The disk may be filled by others, too: what is used plus what is free, less the reserve, asked each time.
std::uint64_t most_to_hold(std::uint64_t used, std::uint64_t free, std::uint64_t reserve, std::uint64_t limit) {
  const std::uint64_t on_disk = used + (free - std::min(free, reserve));
  return std::max<std::uint64_t>(1, limit == 0 ? on_disk : std::min(limit, on_disk));  // 0 would be no limit
}

}  // namespace

tl::unexpected<Error> refused(Taken why, const Limits& limits) {
  switch (why) {
    case Taken::bytes:
      return takes_no_more(limits.max_size, " bytes");
    case Taken::files:
      return takes_no_more(limits.max_files, " files");
    case Taken::parts:
      return takes_no_more(most_parts(limits), " partial uploads");
    case Taken::texts:
      return takes_no_more(most_texts(limits), " bytes of names and messages");
    default:
      return no_such_space();
  }
}

Quotas::Quotas(Context& context)
    // A tenth: on a disk that is smaller than the reserve of the policy, something could be stored all the same.
    : context_(context), disk_reserve_(std::min(context.policy.reserve_bytes, context.blobs.free_bytes() / 10)) {
  (void)know_totals();  // or with the first that is taken
}

Result<void> Quotas::know_totals() {
  const std::lock_guard lock(totals_mutex_);
  totals_known_ = false;
  return read_totals();
}

Result<void> Quotas::read_totals() {
  // Other nodes take, too: what they took is known a moment later, so that the total may be exceeded by that much.
  const Steady now = context_.clock.steady();
  if (totals_known_ && !(context_.policy.shared && now - totals_read_ >= totals_last)) return {};
  // Counting from zero would let everybody take everything again.
  auto counted = context_.catalog.totals();
  if (!counted) return fail(Kind::unavailable, "the server does not know what it holds: " + counted.error().what);
  spaces_ = counted->spaces;
  total_bytes_.used = counted->bytes;
  totals_known_ = true;
  totals_read_ = now;
  return {};
}

Result<void> Quotas::take_space() {
  const std::lock_guard lock(totals_mutex_);
  if (auto known = read_totals(); !known) return known;
  if (context_.policy.max_spaces != 0 && spaces_ >= context_.policy.max_spaces)
    return fail(Kind::no_room, "the server has no room for another space");
  ++spaces_;
  return {};
}

void Quotas::give_back_space() {
  const std::lock_guard lock(totals_mutex_);
  spaces_ -= std::min<std::uint64_t>(spaces_, 1);
}

Result<void> Quotas::room_on_disk(std::uint64_t bytes) const {
  const std::uint64_t free = context_.blobs.free_bytes();
  if (free < disk_reserve_ || bytes > free - disk_reserve_) return disk_is_full();
  return {};
}

std::uint64_t Quotas::most_in_total() const {
  return most_to_hold(total_bytes_.used, context_.blobs.free_bytes(), disk_reserve_, context_.policy.max_total);
}

// What others have sent and not delivered may come to nothing: it stands in the way for now. What the sender's own
// delivery holds does not go away by waiting.
Result<void> Quotas::fits_in_space(const SpaceLock& lock, const LiveSpace& live, const Wish& wish) {
  const Limits& limits = live.row.limits;
  // Counted only when something does not fit. Parts go with the file that is made of them (`freed`).
  const auto others = [&] { return on_its_way(lock, live, wish.delivery, wish.freed == 0); };
  if (wish.bytes > 0 && !live.bytes.fits(wish.bytes, limits.max_size, wish.freed))
    return live.bytes.fits(wish.bytes, limits.max_size, wish.freed + others().bytes) ? taken_by_others()
                                                                                     : refused(Taken::bytes, limits);
  if (wish.bytes > 0 && !live.bytes.fits_for_now(wish.bytes, limits.max_size, wish.freed)) return announced_by_others();
  const Weight& weight = wish.weight;
  if (weight.files + weight.manifests + weight.parts > 0) {
    const Ledger& ledger = ledger_of(live, weight);
    const std::uint64_t most = limit_of(live, weight);
    if (!ledger.fits(1, most)) {
      const Weight held = others().weight;
      if (ledger.fits(1, most, weight.parts > 0 ? held.parts : weight.manifests > 0 ? held.manifests : held.files))
        return taken_by_others();
      return refused(weight.parts > 0 ? Taken::parts : Taken::files, limits);
    }
    if (!ledger.fits_for_now(1, most)) return announced_by_others();
  }
  if (weight.texts == 0 || live.texts.fits(weight.texts, most_texts(limits))) return {};
  return live.texts.fits(weight.texts, most_texts(limits), others().weight.texts) ? taken_by_others()
                                                                                  : refused(Taken::texts, limits);
}

Result<void> Quotas::fits(const SpaceLock& lock, const LiveSpace& live, const Wish& wish) {
  const std::uint64_t free = context_.blobs.free_bytes();  // once for both: each small file has this asked
  if (free < disk_reserve_) return disk_is_full();
  if (auto room = fits_in_space(lock, live, wish); !room) return room;
  const std::lock_guard totals(totals_mutex_);
  if (auto known = read_totals(); !known) return known;
  const std::uint64_t all = wish.bytes + wish.weight.texts;
  if (all == 0) return {};
  const std::uint64_t most = most_to_hold(total_bytes_.used, free, disk_reserve_, context_.policy.max_total);
  if (!total_bytes_.fits(all, most, wish.freed)) return server_is_full();
  return total_bytes_.fits_for_now(all, most, wish.freed) ? Result<void>() : announced_by_others();
}

Result<void> Quotas::take(const SpaceLock& lock, LiveSpace& live, std::uint64_t bytes, Weight weight,
                          const Id& delivery, std::uint64_t freed) {
  if (auto room = fits(lock, live, {bytes, weight, delivery, freed}); !room) return room;
  {
    // The lock of the totals was let go between: fits() asks the disk, which is a system call. The limit of the policy
    // is exact by this second look, as another space may have taken the last of it since; the disk has its reserve.
    const std::lock_guard totals(totals_mutex_);
    const std::uint64_t all = bytes + weight.texts;
    const std::uint64_t most = context_.policy.max_total;
    if (all > 0 && most != 0 && !total_bytes_.fits_for_now(all, most, freed))
      return total_bytes_.fits(all, most, freed) ? announced_by_others() : server_is_full();
    total_bytes_.used += all;
  }
  live.bytes.used += bytes;
  live.weigh(weight);
  return {};
}

void Quotas::add(const SpaceLock&, LiveSpace& live, std::uint64_t bytes, Weight weight) {
  live.bytes.used += bytes;
  live.weigh(weight);
  const std::lock_guard totals(totals_mutex_);
  total_bytes_.used += bytes + weight.texts;
}

void Quotas::give_back(const SpaceLock&, LiveSpace& live, std::uint64_t bytes, Weight weight) {
  const auto less = [](Ledger& ledger, std::uint64_t amount) { ledger.used -= std::min(ledger.used, amount); };
  less(live.bytes, bytes);
  less(live.files, weight.files);
  less(live.manifests, weight.manifests);
  less(live.parts, weight.parts);
  less(live.texts, weight.texts);
  const std::lock_guard totals(totals_mutex_);
  less(total_bytes_, bytes + weight.texts);
}

// Granted as far as the peer's shares of both ledgers go: first of the server, then what of that the space has; the
// rest of the first goes back.
Result<void> Quotas::promise(const SpaceLock& lock, LiveSpace& live, LiveUpload& upload, std::uint64_t bytes,
                             const std::string& peer) {
  withdraw(lock, live, upload);
  const Weight weight = upload.weighs ? Weight{} : weight_of(upload.row);
  if (auto room = fits(lock, live, {bytes, weight, upload.row.delivery}); !room) return room;
  upload.peer = peer;
  upload.progress = context_.clock.steady();
  if (!upload.weighs) upload.promised_file = ledger_of(live, weight).promise(peer, 1, limit_of(live, weight)) == 1;
  const std::lock_guard totals(totals_mutex_);
  const std::uint64_t of_total = total_bytes_.promise(peer, bytes, most_in_total());
  upload.promised = live.bytes.promise(peer, of_total, live.row.limits.max_size);
  total_bytes_.withdraw(peer, of_total - upload.promised);
  return {};
}

void Quotas::withdraw(const SpaceLock&, LiveSpace& live, LiveUpload& upload) {
  if (upload.promised_file) ledger_of(live, weight_of(upload.row)).withdraw(upload.peer, 1);
  upload.promised_file = false;
  if (upload.promised == 0) return;
  live.bytes.withdraw(upload.peer, upload.promised);
  const std::lock_guard totals(totals_mutex_);
  total_bytes_.withdraw(upload.peer, std::exchange(upload.promised, 0));
}

// Its own promise must not stand in its way, so it is withdrawn first, and restored when the bytes do not fit.
Result<void> Quotas::reserve(const SpaceLock& lock, LiveSpace& live, LiveUpload& upload, std::uint64_t bytes,
                             std::uint64_t freed) {
  const std::uint64_t had = upload.promised;
  const bool had_file = upload.promised_file;
  withdraw(lock, live, upload);
  const auto keep_again = [&](std::uint64_t promised, bool file) {
    upload.promised = promised;
    upload.promised_file = file;
    if (file) ledger_of(live, weight_of(upload.row)).keep(upload.peer, 1);
    if (promised == 0) return;
    live.bytes.keep(upload.peer, promised);
    const std::lock_guard totals(totals_mutex_);
    total_bytes_.keep(upload.peer, promised);
  };
  const Weight weight = upload.weighs ? Weight{} : weight_of(upload.row);
  if (auto taken = take(lock, live, bytes, weight, upload.row.delivery, freed); !taken) {
    keep_again(had, had_file);
    return taken;
  }
  keep_again(had - std::min(had, bytes), false);
  upload.counted += bytes;
  upload.weighs = true;
  if (upload.begun == nullptr) upload.begun = std::make_unique<BegunUploads::Hold>(live.begun, upload.peer);
  live.empty.erase(upload.number);
  return {};
}

void Quotas::unreserve(const SpaceLock& lock, LiveSpace& live, const UploadPtr& upload, std::uint64_t bytes) {
  upload->counted -= bytes;
  // All its bytes were taken back (a wrong checksum): it is an upload without a byte again, and may yield to others.
  const bool empty = upload->counted == 0 && upload->weighs;
  give_back(lock, live, bytes, empty ? weight_of(upload->row) : Weight{});
  if (!empty) return;
  upload->weighs = false;
  upload->begun.reset();
  upload->number = live.next_number++;
  live.empty.emplace(upload->number, upload);
}

void Quotas::release(const SpaceLock& lock, LiveSpace& live, LiveUpload& upload) {
  withdraw(lock, live, upload);
  give_back(lock, live, std::exchange(upload.counted, 0), upload.weighs ? weight_of(upload.row) : Weight{});
  upload.weighs = false;
  upload.begun.reset();
  live.empty.erase(upload.number);
}

void Quotas::lapse_promises(const std::vector<LivePtr>& spaces) {
  const Steady now = context_.clock.steady();
  for (const LivePtr& live : spaces) {
    const SpaceLock lock(*live);
    for (const auto& [id, upload] : live->uploads)
      if ((upload->promised > 0 || upload->promised_file) &&
          upload->progress.load() + context_.policy.promise_life <= now)
        withdraw(lock, *live, *upload);
  }
}

}  // namespace qrx::space
