#include "receive/unnamed_files.h"

#include <map>
#include <optional>
#include <utility>

#include "receive/counted_file.h"
#include "receive/kept_lists.h"
#include "receive/partial_type.h"

namespace qrx::receive {
namespace {

std::optional<SavedFile> name_it(const ReceiveJob& job, const Id& file, const SavedRecord::Entry& entry, bool gone) {
  const auto is_whole = [&](std::uint64_t size) { return size == entry.size || (gone && size + 1 == entry.size); };
  // The size first: begin() would make an empty partial where there is none.
  const auto held = job.saver->held(entry.name, file);
  if (!held || !is_whole(*held)) return std::nullopt;
  auto partial = job.saver->begin(entry.name, file, entry.delivery);
  if (!partial) return std::nullopt;
  if (!is_whole(partial->size())) {  // the run whose it is has just given it its name
    if (partial->size() == 0) partial->discard();
    return std::nullopt;
  }
  const auto sums = end_left(job, *partial, entry);
  if (!sums || !*sums) return std::nullopt;
  wire::FileInfo info;
  info.file = file;
  info.name = entry.name;
  info.size = entry.size;
  info.xxh128 = entry.xxh128;
  info.type = type_of(*partial);
  wire::DeliveryInfo delivery;
  delivery.delivery = entry.delivery;
  if (job.tally.accept(delivery, info) != Wish::save) return std::nullopt;
  if (job.tally.keep(info, partial->descriptor()) != Wish::save) return std::nullopt;  // it stays for another run
  auto path = partial->publish();
  if (!path) {
    job.tally.notice(path.error().what);
    return std::nullopt;
  }
  return SavedFile{std::move(*path), std::move(info), (*sums)->sha256, entry.delivery};
}

}  // namespace

std::vector<SavedDelivery> name_what_is_whole(const ReceiveJob& job, bool gone) {
  std::map<Id, SavedDelivery> deliveries;
  for (const auto& [file, entry] : job.record->unnamed()) {
    auto saved = name_it(job, file, entry, gone);
    if (!saved) continue;
    SavedDelivery& delivery = deliveries[entry.delivery];
    delivery.info.delivery = entry.delivery;
    delivery.info.files.push_back(saved->info);
    delivery.files.push_back(std::move(*saved));
  }
  std::vector<SavedDelivery> out;
  for (auto& [id, delivery] : deliveries) out.push_back(std::move(delivery));
  return out;
}

void tell_named(const ReceiveJob& job, const std::vector<SavedDelivery>& named) {
  for (const SavedDelivery& delivery : named) {
    const Id& id = delivery.info.delivery;
    for (const SavedFile& file : delivery.files) job.tally.saved(file);
    // Remembered as saved only once no loss of power takes a name back.
    if (job.saver->sync_names(id)) {
      Untold done{id, {}, {}};
      for (const SavedFile& file : delivery.files) done.saved.push_back(file.info.file);
      job.record->finish(done);
    }
    if (job.tally.delivered(delivery)) drop_list(job, id);
  }
}

}  // namespace qrx::receive
