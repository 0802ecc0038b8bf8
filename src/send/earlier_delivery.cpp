#include "send/earlier_delivery.h"

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/running_sums.h"
#include "send/files_there.h"
#include "send/sealed_source.h"
#include "send/small_item.h"
#include "send/source_file.h"
#include "wire/limits.h"

namespace qrx::send {
namespace {

// What the item holds, as it is on this machine, and what the server must have of it.
Result<std::vector<SentFile>> files_of(SendJob& job, std::size_t item, wire::ReceivedFile& wire) {
  if (!job.items.is_pack(item)) {
    auto file = sum_sealed(job, item, wire);
    return file ? Result<std::vector<SentFile>>(std::vector{std::move(*file)}) : tl::unexpected(file.error());
  }
  auto pack = load_small_item(job, item);
  if (!pack) return tl::unexpected(pack.error());
  wire = {job.wire_name(item), pack->bytes.size(), pack->sum};
  return std::move(pack->files);
}

// Items have the names of their sources as these are now: what is there under other names is of no use.
Result<bool> believe_sealed(SendJob& job, const wire::DeliveryState& there, const ResumeState& state) {
  if (state.any_changed()) return false;
  // By item, not by file name: what is there is only known under its wire name.
  std::unordered_map<std::string_view, std::size_t> items;
  for (std::size_t i = 0; i < job.items.count(); ++i) items.emplace(job.plan->item(i), i);
  for (const auto& file : there.files) {
    if (file.name == wire::manifest_name) {
      const Xxh128Sum sum = sums_of(as_bytes(job.plan->manifest()), false).xxh128;
      // With the same seed and the same sources it has the same bytes. Another message makes another one: a small one
      // is sent again and replaces that; what is committed, or larger, stays as it is.
      if (file.size == job.plan->manifest().size() && file.xxh128 == sum)
        job.manifest = file;
      else if (there.committed || file.size > wire::most_small_bytes)
        return false;
      continue;
    }
    const auto item = items.find(file.name);
    // Of a source that has changed since, or of nobody: it cannot be taken out of a delivery.
    if (item == items.end()) return false;
    wire::ReceivedFile here;
    auto files = files_of(job, item->second, here);
    if (!files && files.error().kind == Kind::integrity) return false;  // it changes right now
    if (!files) return tl::unexpected(files.error());
    // Read and sealed again from the first byte: the sum is the only proof that the server has what is here.
    if (here != file) return false;
    job.finish(item->second, std::move(*files), file.xxh128, file.size);
  }
  // A large one may be there in part, under an upload that nobody remembers.
  return job.manifest || job.plan->manifest().size() <= wire::most_small_bytes;
}

}  // namespace

Result<bool> believe(SendJob& job, const wire::DeliveryState& there, const ResumeState& state) {
  if (job.plan != nullptr) return believe_sealed(job, there, state);
  const FilesThere files(there.files);
  for (std::size_t i = 0; i < job.list.sources.size(); ++i) {
    const Source& source = job.list.sources[i];
    const auto* found = files.find(source.name);
    if (found == nullptr) {
      // Parts of other bytes are in this upload.
      if (state.changed(i) && state.upload(i)) return false;
      continue;
    }
    auto here = sum_file(source, job.options.sha256, job.interrupt);
    if (!here && here.error().kind == Kind::integrity) return false;  // it changes right now
    if (!here) return tl::unexpected(here.error());
    if (here->size == found->size && here->xxh128 == found->xxh128) {
      job.finish(i, std::move(*here), found->xxh128, found->size);
    } else if (there.committed || here->size > wire::most_small_bytes || found->size > wire::most_small_bytes) {
      return false;  // only small files replace each other
    }
  }
  return true;
}

}  // namespace qrx::send
