#include "receive/saved_before.h"

#include <optional>
#include <utility>

#include "receive/counted_file.h"
#include "receive/partial_type.h"

namespace qrx::receive {
namespace {

// A run that was killed just before it published this file: all of it is in its partial, or, by a limited link, all but
// the last byte. By such a link it could not be fetched again.
Result<bool> publish_left(DeliveryProgress& delivery, api::OwnerClient& client, std::size_t index,
                          const SavedRecord::Entry& earlier, bool opened) {
  const ReceiveJob& job = delivery.job();
  const Item& item = delivery.item(index);
  const wire::FileInfo& info = item.info;
  // By the name that it had then: a directory on the way, or the file itself, may have got a number.
  const auto held = job.saver->held(earlier.name, item.id());
  if (!held || (*held != earlier.size && !(job.limited && *held + 1 == earlier.size))) return false;
  auto partial = job.saver->begin(earlier.name, item.id(), delivery.delivery());
  if (!partial) return false;
  // What a pack holds is counted with it, not file by file (PackSaver).
  const auto sums = item.part ? end_left(job, *partial, earlier) : count_left(job, client, info, *partial, earlier);
  if (!sums) return tl::unexpected(sums.error());
  if (!*sums) return false;
  auto saved = opened ? opened_info(item, earlier.size, earlier.xxh128) : unopened_info(item);
  if (opened) saved.type = type_of(*partial);
  job.tally.arrived(item.id(), delivery.shown(index).size);
  if (const Wish wish = job.tally.keep(saved, partial->descriptor()); wish != Wish::save) {
    partial->discard();
    delivery.declined(index, wish);
    return true;
  }
  auto path = partial->publish(saved.properties);
  // Fetched again, but for what would not come again.
  if (!path) return job.limited ? Result<bool>(tl::unexpected(path.error())) : false;
  delivery.saved(index, SavedFile{*path, saved, (*sums)->sha256, delivery.delivery()});
  return true;
}

}  // namespace

Result<bool> saved_before(DeliveryProgress& delivery, api::OwnerClient& client, std::size_t index) {
  const ReceiveJob& job = delivery.job();
  const Item& item = delivery.item(index);
  const wire::FileInfo& info = item.info;
  const auto earlier = job.record->find(item.id(), delivery.delivery());
  if (!earlier) return false;
  // Another size or sum than the server's: it was opened when it was saved.
  const bool opened = item.open && (earlier->size != info.size || earlier->xxh128 != info.xxh128);
  if (!opened && (earlier->size != info.size || earlier->xxh128 != info.xxh128)) return false;
  const auto path = job.saver->find_saved(earlier->name, earlier->size, earlier->xxh128);
  if (!path) return publish_left(delivery, client, index, *earlier, opened);
  std::optional<Sha256Sum> sha;
  if (job.options.sha256) {
    sha = job.saver->sha256_of(*path);
    if (!sha) return false;
  }
  job.tally.arrived(item.id(), delivery.shown(index).size);
  const auto saved = opened ? opened_info(item, earlier->size, earlier->xxh128) : unopened_info(item);
  delivery.saved(index, SavedFile{*path, saved, sha, delivery.delivery()});
  return true;
}

}  // namespace qrx::receive
