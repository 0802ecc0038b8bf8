// Follows one upload in a thread of its own: what arrives at the server arrives here, before it is committed.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "http/interrupt.h"
#include "receive/arrived.h"
#include "receive/incoming.h"
#include "receive/partial_file.h"
#include "receive/receive_job.h"
#include "wire/messages.h"

namespace qrx::receive {

// What a follower has of a file whose delivery is committed. Its partial has the bytes.
struct Followed {
  std::optional<Arrived> whole;  // absent: incomplete
};

// Goes on after cuts until the upload is complete, has vanished, or nobody wants it any more.
class UploadFollower {
 public:
  UploadFollower(const ReceiveJob& job, wire::UploadInfo upload);
  ~UploadFollower();  // stop(false)
  UploadFollower(const UploadFollower&) = delete;
  UploadFollower& operator=(const UploadFollower&) = delete;

  bool running() const { return !ended_.load(); }
  // The upload is committed: what is missing comes at once, or not by this thread. Waits for its end.
  Followed finish();
  // Ends it; the partial stays, or is removed.
  void stop(bool discard);

 private:
  void run();
  bool follow(bool open);
  Result<Arrived> receive(Incoming& incoming, PartialFile& partial);

  const ReceiveJob& job_;
  wire::UploadInfo upload_;
  std::shared_ptr<http::Interrupt> stop_ = std::make_shared<http::Interrupt>();
  std::atomic<bool> ended_{false}, committed_{false};
  // The thread's, until it ended:
  Followed followed_;
  std::string local_name_;  // under which its partial was begun
  std::thread thread_;
};

}  // namespace qrx::receive
