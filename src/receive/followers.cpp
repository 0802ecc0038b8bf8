#include "receive/followers.h"

#include <algorithm>

namespace qrx::receive {

void Followers::update(const std::vector<wire::UploadInfo>& uploads) {
  std::size_t running = 0;
  // By the connections that are free: each follower holds one, as long as its sender takes.
  for (const auto& [id, follower] : followers_) running += follower->running() ? 1 : 0;
  std::set<Id> listed;
  for (const auto& upload : uploads) {
    listed.insert(upload.upload);
    if (job_.options.identity && upload.name == wire::manifest_name) continue;  // no file of its delivery
    if (followers_.contains(upload.upload)) continue;
    const bool room = job_.options.follow_uploads && running < std::max(job_.options.connections, 1U) &&
                      // Two uploads and one file name: which of them is wanted shows only at the commit.
                      !(job_.saver->one_file() && uploads.size() > 1);
    if (room) {
      followers_.emplace(upload.upload, std::make_unique<UploadFollower>(job_, upload));
      ++running;
    } else {
      // Not fetched yet; what the server has of it is what can be shown.
      job_.tally.expect(upload.upload, upload.name, upload.length, true);
      job_.tally.arrived(upload.upload, upload.offset);
      watched_.insert(upload.upload);
    }
  }
  // Withdrawn ones. One that still runs may be at the last bytes of an upload that is complete: it ends by itself.
  std::erase_if(followers_, [&](auto& entry) {
    if (listed.contains(entry.first) || entry.second->running() || entry.second->finish().whole) return false;
    // Its upload is gone from the list: taken back by its sender, or swept. Its partial is of no use.
    entry.second->stop(true);
    return true;
  });
  std::erase_if(watched_, [&](const Id& id) {
    if (listed.contains(id) && !followers_.contains(id)) return false;
    if (!followers_.contains(id)) job_.tally.forget(id);
    return true;
  });
}

std::optional<Followed> Followers::finish(const Id& file) {
  const auto it = followers_.find(file);
  return it == followers_.end() ? std::nullopt : std::optional(it->second->finish());
}

void Followers::delivered(const wire::DeliveryInfo& delivery) {
  for (const auto& file : delivery.files) {
    followers_.erase(file.file);
    watched_.erase(file.file);
  }
}

void Followers::stop(bool discard) {
  for (auto& [id, follower] : followers_) follower->stop(discard);
  followers_.clear();
}

}  // namespace qrx::receive
