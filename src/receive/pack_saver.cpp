#include "receive/pack_saver.h"

#include "base/running_sums.h"
#include "receive/counted_file.h"
#include "receive/fetch_whole.h"
#include "receive/item_names.h"
#include "receive/saved_before.h"
#include "receive/sealed_pack.h"

namespace qrx::receive {

// All that is wanted of it is whole here, and nothing of it has its name yet.
bool PackSaver::is_left_whole(std::size_t index) const {
  const PackPart& pack = *item(index).part;
  bool any = false;
  for (std::size_t i = pack.first; i < pack.end; ++i) {
    if (!delivery_.is_wanted(i)) continue;
    const auto entry = job_.record->find(item(i).id(), delivery_.delivery());
    if (!entry || job_.saver->held(entry->name, item(i).id()) != entry->size) return false;
    auto partial = job_.saver->begin(entry->name, item(i).id(), delivery_.delivery());
    if (!partial) return false;
    // Damaged, it has to come again, and must not count before.
    if (const auto sums = end_left(job_, *partial, *entry); !sums || !*sums) return false;
    any = true;
  }
  return any;
}

Result<bool> PackSaver::begin(std::size_t index) {
  const PackPart& pack = *item(index).part;
  bool any = false;
  // That run may have been killed before it asked for the byte that counts; names come after that only.
  if (job_.limited && is_left_whole(index))
    if (auto counted = ask_for_last_byte(job_, client_, item(index).info, true); !counted)
      return tl::unexpected(counted.error());
  for (std::size_t i = pack.first; i < pack.end; ++i) {
    if (!delivery_.is_wanted(i)) continue;
    const auto before = saved_before(delivery_, client_, i);
    if (!before && !is_at_fault(before.error().kind)) return before;
    if (!before)
      delivery_.cannot_save(i, before.error());
    else
      any = any || !*before;
  }
  if (!any || !job_.limited) return any;
  if (auto saved = save_counted(index); !saved) return tl::unexpected(saved.error());
  return false;
}

Arrived PackSaver::arrived_part(std::size_t index, std::string_view bytes) const {
  return {bytes.size(), sums_of(as_bytes(bytes), job_.options.sha256), item(index).info.xxh128, item(index).tag};
}

// Calls it for each file of the pack that is wanted; what is at fault itself does not stop the others.
Result<void> PackSaver::each_part(std::size_t index, const std::function<Result<void>(std::size_t)>& save) {
  const PackPart& pack = *item(index).part;
  for (std::size_t i = pack.first; i < pack.end; ++i) {
    if (!delivery_.is_wanted(i)) continue;
    const auto saved = save(i);
    if (!saved && !is_at_fault(saved.error().kind)) return saved;
    if (!saved) delivery_.cannot_save(i, saved.error());
  }
  return {};
}

Result<void> PackSaver::keep(std::size_t index, std::string_view bytes) {
  const auto plain = open_pack(job_, delivery_.contents(), index, bytes);
  if (!plain) return tl::unexpected(plain.error());
  if (auto dropped = drop_followed(index); !dropped) return dropped;
  return each_part(index, [&](std::size_t i) -> Result<void> {
    // Called a second time after trouble: the partials that wait for their sync are locked, by this run itself.
    if (kept_.contains(i)) return {};
    const std::string_view part = part_of(item(i), *plain);
    auto kept = publisher_.keep(i, part, arrived_part(i, part));
    if (kept) kept_.insert(i);
    return kept;
  });
}

// Who sends a pack as large files are sent had it followed, opened: that is a file of nobody.
Result<void> PackSaver::drop_followed(std::size_t index) {
  const wire::FileInfo& info = item(index).info;
  static_cast<void>(delivery_.followed(index));  // its thread ends here, and lets go of its partial
  job_.tally.forget(info.file);
  return job_.saver->discard_partial(without_age_ending(info.name), info.file, delivery_.delivery());
}

// A partial with all of it, durable and on record, so that a later run can give it its name without the server.
Result<void> PackSaver::prepare_part(std::size_t index, std::string_view bytes) {
  auto partial = job_.saver->begin(item(index).name, item(index).id(), delivery_.delivery());
  if (!partial) return tl::unexpected(partial.error());
  if (auto emptied = partial->truncate(0); !emptied) return emptied;
  if (auto written = partial->write(as_bytes(bytes)); !written) return written;
  if (auto durable = partial->make_durable(); !durable) return durable;
  job_.record->add(item(index).id(),
                   {partial->name(), bytes.size(), sums_of(as_bytes(bytes), false).xxh128, delivery_.delivery()}, true);
  return {};
}

void PackSaver::discard_prepared(std::size_t index) {
  const PackPart& pack = *item(index).part;
  for (std::size_t i = pack.first; i < pack.end; ++i) {
    if (!delivery_.is_wanted(i)) continue;
    if (auto partial = job_.saver->begin(item(i).name, item(i).id(), delivery_.delivery())) partial->discard();
  }
}

// By a link that gives it a number of times only: the byte that counts is asked for when all that it holds is safe.
Result<void> PackSaver::save_counted(std::size_t index) {
  bool perhaps_given = false;
  for (std::size_t i = item(index).part->first; i < item(index).part->end; ++i)
    perhaps_given = perhaps_given || job_.record->find(item(i).id(), delivery_.delivery());
  const auto bytes = fetch_whole(job_, item(index).info, item(index).name);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto plain = open_pack(job_, delivery_.contents(), index, *bytes);
  if (!plain) return tl::unexpected(plain.error());
  if (auto done = each_part(index, [&](std::size_t i) { return prepare_part(i, part_of(item(i), *plain)); }); !done)
    return done;
  if (auto counted = ask_for_last_byte(job_, client_, item(index).info, perhaps_given); !counted) {
    // Kept, it would get its names by the next run, beyond what the link allows.
    if (counted.error().kind == Kind::not_found) discard_prepared(index);
    return counted;
  }
  return each_part(index, [&](std::size_t i) -> Result<void> {
    auto partial = job_.saver->begin(item(i).name, item(i).id(), delivery_.delivery());
    if (!partial) return tl::unexpected(partial.error());
    const std::string_view part = part_of(item(i), *plain);
    job_.tally.arrived(item(i).id(), part.size());
    return publisher_.publish(i, *partial, arrived_part(i, part));
  });
}

}  // namespace qrx::receive
