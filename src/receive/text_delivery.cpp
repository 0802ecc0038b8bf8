#include "receive/text_delivery.h"

#include "base/running_sums.h"
#include "receive/kept_lists.h"

namespace qrx::receive {
namespace {

Result<std::string> write_file(const ReceiveJob& job, const wire::FileInfo& info, const wire::DeliveryInfo& of) {
  // A run that was killed after it had published it.
  if (const auto earlier = job.record->find(info.file, of.delivery))
    if (auto path = job.saver->find_saved(earlier->name, info.size, info.xxh128)) return *path;
  auto partial = job.saver->begin(info.name, info.file, of.delivery);
  if (!partial) return tl::unexpected(partial.error());
  // A partial of an earlier run: the text is in memory, so nothing of it is worth reading.
  if (auto emptied = partial->truncate(0); !emptied) return tl::unexpected(emptied.error());
  if (auto written = partial->write(as_bytes(of.message)); !written) return tl::unexpected(written.error());
  // Before it has its name, as FileSaver::publish() does.
  job.record->add(info.file, {partial->name(), info.size, info.xxh128, of.delivery});
  auto path = partial->publish();
  if (!path) return path;
  if (auto synced = job.saver->sync_names(of.delivery); !synced) return tl::unexpected(synced.error());
  return path;
}

}  // namespace

wire::FileInfo file_of_text(const DeliveryContents& contents) {
  wire::FileInfo info;
  info.file = contents.shown.delivery;
  info.name = "text.txt";
  info.size = contents.shown.message.size();
  info.type = "text/plain";
  info.xxh128 = sums_of(as_bytes(contents.shown.message), false).xxh128;
  info.sealed = !contents.manifest_tag.empty();
  return info;
}

Result<SavedDelivery> save_text(const ReceiveJob& job, const DeliveryContents& contents) {
  SavedDelivery out;
  out.info = contents.shown;
  const wire::FileInfo info = file_of_text(contents);
  out.sealed_text = info.sealed;
  // Where the output is a directory a text is shown, not saved.
  const bool saved_as_file = job.saver->one_file();
  if (const Wish wish = saved_as_file ? job.tally.accept(contents.shown, info) : Wish::save; wish != Wish::save) {
    out.declined.push_back(info.name);
    if (wish == Wish::later) ++out.later;
    return out;
  }
  if (auto counted = count_list(job, contents); !counted) return tl::unexpected(counted.error());
  if (!saved_as_file) return out;
  auto path = write_file(job, info, contents.shown);
  if (!path) return tl::unexpected(path.error());
  SavedFile saved{std::move(*path), info, std::nullopt, contents.shown.delivery};
  if (job.options.sha256) saved.sha256 = sha256(as_bytes(contents.shown.message));
  job.tally.saved(saved);
  out.files.push_back(std::move(saved));
  return out;
}

}  // namespace qrx::receive
