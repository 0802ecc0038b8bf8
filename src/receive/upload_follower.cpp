#include "receive/upload_follower.h"

#include <system_error>
#include <utility>
#include <vector>

#include "api/owner_client.h"
#include "api/retry.h"
#include "base/thrown.h"
#include "receive/incoming.h"
#include "receive/item_names.h"
#include "seal/item.h"

namespace qrx::receive {

UploadFollower::UploadFollower(const ReceiveJob& job, wire::UploadInfo upload)
    : job_(job), upload_(std::move(upload)), local_name_(upload_.name) {
  // Shown from the first moment, also while the thread is not yet running.
  job_.tally.expect(upload_.upload, upload_.name, upload_.length, true);
  try {
    thread_ = std::thread([this] {
      // The file is fetched when it is committed.
      if (auto ran = catching([this] { run(); }); !ran)
        job_.tally.notice("cannot fetch " + upload_.name + " while it is being sent: " + ran.error().what);
      ended_.store(true);
    });
  } catch (const std::system_error&) {
    ended_.store(true);  // the file is fetched when it is committed
  }
}

UploadFollower::~UploadFollower() {
  stop(false);
}

Followed UploadFollower::finish() {
  // Told first: the thread then does not wait for a sender that has nothing more to send.
  committed_.store(true);
  if (thread_.joinable()) thread_.join();
  return followed_;
}

void UploadFollower::stop(bool discard) {
  // Its own interrupt, not the run's: one upload is let go, the others go on.
  stop_->raise();
  if (thread_.joinable()) thread_.join();
  if (!discard) return;
  // Begun again, as the thread's partial was closed (and unlocked) at its end.
  if (auto partial = job_.saver->begin(local_name_, upload_.upload, upload_.delivery)) partial->discard();
  job_.tally.forget(upload_.upload);
}

void UploadFollower::run() {
  // First as one that is sealed to us; what is sealed to others is taken as it comes.
  if (job_.options.identity && has_age_ending(upload_.name) && follow(true)) return;
  if (!job_.options.only_sealed) follow(false);
}

Result<Arrived> UploadFollower::receive(Incoming& incoming, PartialFile& partial) {
  http::ClientOptions options = job_.options.client;
  options.interrupt = stop_;
  api::OwnerClient client(job_.link, options);
  std::vector<std::byte> buffer(incoming_buffer_bytes);
  const Expected expected(upload_);
  const auto show = [&]() -> Result<void> {
    job_.tally.arrived(upload_.upload, incoming.shown());
    return {};
  };
  if (auto taken = incoming.take_up(client, expected, partial, buffer, *stop_); !taken)
    return tl::unexpected(taken.error());
  static_cast<void>(show());
  // A sender that pauses looks like a network that is cut: as long as the upload is listed, it is asked for again.
  // What the server asks for in between is not heeded: whoever commits the delivery waits for this thread.
  api::RetryPolicy policy = job_.options.retry;
  policy.give_up = api::never;
  api::Backoff backoff(*stop_, policy, nullptr);
  std::uint64_t before = 0;
  return api::retry(
      client, backoff,
      [&]() -> Result<Arrived> {
        before = incoming.taken();
        if (auto pulled = incoming.pull(client, expected, buffer, show); !pulled) return tl::unexpected(pulled.error());
        return incoming.finish();
      },
      [&](const Error& error, api::Asked) -> Result<api::Next> {
        // After the commit the delivery fetches what is missing, with its own patience.
        if (incoming.refusal() || committed_.load()) return tl::unexpected(error);
        if (incoming.taken() > before) backoff.progress();
        if (auto go_on = backoff.wait(error); !go_on) return tl::unexpected(go_on.error());
        return api::Next::at_once;
      });
}

// False: it is not sealed to us, and has to be taken as it comes. Whatever else is in the way, of the name or of what
// was kept by an earlier run, is told when the delivery is committed and this file's turn comes.
bool UploadFollower::follow(bool open) {
  const std::string name = open ? without_age_ending(upload_.name) : upload_.name;
  auto partial = job_.saver->begin(name, upload_.upload, upload_.delivery);
  if (!partial) return true;
  local_name_ = name;
  auto length = upload_.length;
  if (open && length) length = seal::plain_part(*length);
  if (length) partial->expect_length(*length);
  job_.tally.expect(upload_.upload, open ? known_name(upload_.name) : upload_.name, length, true);

  Incoming incoming([&partial](ByteView bytes) { return partial->write(bytes); }, job_.options.sha256,
                    open ? job_.options.identity.get() : nullptr);
  auto arrived = receive(incoming, *partial);
  if (arrived) {
    followed_.whole = std::move(*arrived);
  } else if (const auto refusal = incoming.refusal()) {
    // Not a byte of it was released that is not verified; whether the server has another one shows at the commit.
    partial->discard();
    if (!is_foreign(*refusal)) return true;
    local_name_ = upload_.name;
    return false;
  }
  return true;
}

}  // namespace qrx::receive
