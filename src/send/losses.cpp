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
  for (std::size_t i = 0; i < job.done.size(); ++i) {
    if (!job.done[i] || files.has(job.wire[i])) continue;
    // Its bytes went by: no file holds them any more.
    if (job.list.sources[i].stream)
      return fail(Kind::unavailable, "the server lost " + job.list.sources[i].name + ", which it had taken",
                  "send it again");
    job.done[i].reset();
    job.uploads[i].reset();
    job.tally.set(i, 0);
    any = true;
  }
  if (job.manifest && !files.has(*job.manifest)) {
    job.manifest.reset();
    any = true;
  }
  return any ? Lost::files : Lost::nothing;
}

}  // namespace qrx::send
