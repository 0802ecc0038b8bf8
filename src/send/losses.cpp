#include "send/losses.h"

#include "api/retry.h"
#include "send/files_there.h"

namespace qrx::send {

Result<Lost> look_for_losses(SendJob& job, api::DropClient& client) {
  const auto there = api::retry(client, job.backoff(), [&] { return client.delivery(job.delivery); });
  // Not retried for: is it the space that is gone, or only the delivery?
  if (!there && there.error().kind == Kind::not_found) {
    if (auto space = client.look(); !space) return tl::unexpected(space.error());
    return Lost::delivery;
  }
  if (!there) return tl::unexpected(there.error());
  const FilesThere files(there->files);
  bool any = false;
  for (std::size_t item = 0; item < job.items.count(); ++item) {
    if (!job.is_done(item) || files.has(job.wire[item])) continue;
    // Its bytes went by: no file holds them any more.
    if (const Source& source = job.list.sources[job.items.first_source(item)]; source.stream)
      return fail(Kind::unavailable, "the server lost " + source.name + ", which it had taken", "send it again");
    job.undo(item);
    any = true;
  }
  if (job.manifest && !files.has(*job.manifest)) {
    job.manifest.reset();
    any = true;
  }
  return any ? Lost::files : Lost::nothing;
}

}  // namespace qrx::send
