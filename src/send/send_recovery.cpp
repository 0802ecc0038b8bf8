#include "send/send_recovery.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace qrx::send {

namespace {

Result<wire::DeliveryState> ask(SendJob& job, api::DropClient& client) {
  api::Patience patience = job.patience();
  for (;;) {
    auto there = client.delivery(job.delivery);
    if (there) return there;
    const auto asked = client.asked_pause();
    client.close();
    if (auto go_on = patience.wait(there.error(), asked); !go_on) return tl::unexpected(go_on.error());
  }
}

}  // namespace

Result<Lost> look_for_losses(SendJob& job, api::DropClient& client) {
  const auto there = ask(job, client);
  if (!there && there.error().kind == Kind::not_found) {
    if (auto space = client.look(); !space) return tl::unexpected(space.error());
    return Lost::delivery;
  }
  if (!there) return tl::unexpected(there.error());
  std::unordered_map<std::string_view, const wire::ReceivedFile*> received;
  for (const auto& file : there->files) received.emplace(file.name, &file);
  const auto has = [&received](const wire::ReceivedFile& file) {
    const auto found = received.find(file.name);
    return found != received.end() && *found->second == file;
  };
  bool any = false;
  for (std::size_t i = 0; i < job.done.size(); ++i) {
    if (!job.done[i] || has(job.wire[i])) continue;
    if (job.list.sources[i].stream)
      return fail(Kind::unavailable, "the server lost " + job.list.sources[i].name + ", which it had taken",
                  "send it again");
    job.done[i].reset();
    job.uploads[i].reset();
    job.tally.set(i, 0);
    any = true;
  }
  if (job.manifest && !has(*job.manifest)) {
    job.manifest.reset();
    any = true;
  }
  return any ? Lost::files : Lost::nothing;
}

}  // namespace qrx::send
