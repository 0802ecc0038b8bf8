// The followers of all uploads of a space that are running.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "receive/receive_job.h"
#include "receive/upload_follower.h"
#include "wire/messages.h"

namespace qrx::receive {

// One thread at a time.
class Followers {
 public:
  explicit Followers(const ReceiveJob& job) : job_(job) {}

  // The uploads that the space has now: new ones are followed as far as connections go, and shown otherwise; withdrawn
  // ones are let go.
  void update(const std::vector<wire::UploadInfo>& uploads);
  // Of a file whose delivery is committed; nothing when it was not followed. Waits for the follower's end.
  std::optional<Followed> finish(const Id& file);
  void delivered(const wire::DeliveryInfo& delivery);  // done with, saved or not
  void stop(bool discard);                             // the partials stay, or are removed

 private:
  const ReceiveJob& job_;
  std::map<Id, std::unique_ptr<UploadFollower>> followers_;
  std::set<Id> watched_;  // shown only
};

}  // namespace qrx::receive
