#include "receive/save_delivery.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/thrown.h"
#include "base/units.h"
#include "receive/file_saver.h"
#include "receive/item_names.h"
#include "receive/kept_lists.h"
#include "receive/sealed_contents.h"
#include "receive/text_delivery.h"

namespace qrx::receive {
namespace {

// What was followed of a delivery that is refused.
// Its partials would otherwise stay for a next run that refuses it again.
void discard_followed(const ReceiveJob& job, const DeliveryContents& contents, const FollowedOf& followed_of) {
  for (const auto& item : contents.items) {
    if (!followed_of(item.info.file)) continue;
    const auto name = item.open ? without_age_ending(item.info.name) : item.info.name;
    if (auto partial = job.saver->begin(name, item.info.file, contents.shown.delivery)) partial->discard();
  }
}

void run_savers(DeliveryProgress& progress, std::size_t count) {
  const auto save = [&progress] {
    // A thread of which something is thrown would end the program.
    if (auto ran = catching([&progress] { FileSaver(progress).run(); }); !ran) progress.fail_with(ran.error());
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i) {
    try {
      threads.emplace_back(save);
    } catch (const std::system_error&) {
      break;  // fewer will do
    }
  }
  save();
  for (auto& thread : threads) thread.join();
}

Result<SavedDelivery> save_files(const ReceiveJob& job, const DeliveryContents& contents,
                                 const FollowedOf& followed_of) {
  DeliveryProgress progress(job, contents, followed_of);
  const std::size_t wanted = progress.ask();
  // -o names a file that is not there: for several it is the name of a directory. The server counts a pack as one.
  const bool any_packs =
      std::any_of(contents.items.begin(), contents.items.end(), [](const Item& item) { return item.part.has_value(); });
  if (any_packs && wanted > 1)
    if (auto made = job.saver->make_directory(); !made) return tl::unexpected(made.error());
  // Before anything is fetched: one of them would be saved over the others.
  if (job.saver->one_file() && wanted > 1)
    return fail(Kind::usage,
                "cannot save " + std::to_string(wanted) + " files as the single file " + job.saver->file_name(),
                "name a directory instead");
  // A link for one download is used up when its bytes have arrived, saved or not.
  if (job.link.shared) {
    const std::uint64_t bytes = progress.bytes_to_come();
    if (auto room = job.saver->check_room(bytes, "cannot save " + format_size(bytes)); !room) {
      room.error().hint = "nothing was downloaded: make room, or save elsewhere with -o DIRECTORY";
      return tl::unexpected(room.error());
    }
  }
  run_savers(progress, std::min<std::size_t>(progress.plan(), std::max(job.options.connections, 1U)));
  // What was saved is durable, whatever happened to the rest.
  const auto synced = job.saver->sync_names(contents.shown.delivery, &progress.group_sync());
  progress.remember(synced.has_value());
  auto result = progress.result();
  if (result && !synced) return tl::unexpected(synced.error());
  return result;
}

}  // namespace

Result<SavedDelivery> save_delivery(const ReceiveJob& job, const wire::DeliveryInfo& delivery,
                                    const FollowedOf& followed_of) {
  const auto contents = read_contents(job, delivery);
  if (!contents) return tl::unexpected(contents.error());
  // Before a byte is saved: a delivery that the server shows a second time leaves nothing here.
  if (auto admitted = admit(job, *contents); !admitted) {
    discard_followed(job, *contents, followed_of);
    return tl::unexpected(admitted.error());
  }
  if (is_text(contents->shown)) return save_text(job, *contents);
  // What the link gives no more is here and kept before its last byte is asked for.
  if (auto counted = count_list(job, *contents); !counted) return tl::unexpected(counted.error());
  return save_files(job, *contents, followed_of);
}

}  // namespace qrx::receive
