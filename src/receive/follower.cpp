#include <algorithm>
#include <system_error>

#include "api/refusals.h"
#include "receive/intake.h"
#include "receive/receive_job.h"
#include "seal/item.h"

namespace qrx::receive {

namespace {
constexpr std::size_t buffer_bytes = 256U << 10;
}

Follower::Follower(const ReceiveJob& job, wire::UploadInfo upload)
    : job_(job), upload_(std::move(upload)), sums_(job.options.sha256), local_name_(upload_.name) {
  job_.tally.expect(upload_.upload, upload_.name, upload_.length, true);
  try {
    thread_ = std::thread([this] {
      run();
      ended_.store(true);
    });
  } catch (const std::system_error&) {
    ended_.store(true);  // the file is fetched when it is committed
  }
}

Follower::~Follower() {
  stop(false);
}

Follower::Outcome Follower::finish() {
  committed_.store(true);
  if (thread_.joinable()) thread_.join();
  return outcome_;
}

void Follower::stop(bool discard) {
  stop_->raise();
  if (thread_.joinable()) thread_.join();
  if (!discard) return;
  if (auto partial = job_.saver->begin(local_name_, upload_.upload, upload_.delivery)) partial->discard();
  job_.tally.forget(upload_.upload);
}

void Follower::run() {
  if (job_.options.identity && has_age_ending(upload_.name) && follow_sealed()) return;
  if (!job_.options.only_sealed) follow_plain();
}

bool Follower::follow_sealed() {
  const std::string name = without_age_ending(upload_.name);
  auto partial = job_.saver->begin(name, upload_.upload, upload_.delivery);
  if (!partial) return true;
  local_name_ = name;
  http::ClientOptions options = job_.options.client;
  options.interrupt = stop_;
  api::OwnerClient client(job_.link, options);
  std::vector<std::byte> buffer(buffer_bytes);
  if (upload_.length) partial->expect_length(seal::plain_part(*upload_.length));
  const auto sink = [&partial](ByteView bytes) { return partial->write(bytes); };
  SealedIntake intake(*job_.options.identity, sink, job_.options.sha256);
  job_.tally.expect(upload_.upload, known_name(upload_.name),
                    upload_.length ? std::optional(seal::plain_part(*upload_.length)) : std::nullopt, true);
  const auto foreign = [&] {
    if (!intake.refusal() || !is_foreign(*intake.refusal())) return false;
    partial->discard();
    local_name_ = upload_.name;
    job_.tally.expect(upload_.upload, upload_.name, upload_.length, true);
    return true;
  };
  if (partial->size() > 0) {
    // What cannot be taken up now is when the delivery is committed.
    if (auto taken = take_up_partial(client, upload_.upload, *partial, intake); !taken) return !foreign();
  }
  const auto each = [&]() -> Result<void> {
    job_.tally.arrived(upload_.upload, seal::plain_part(intake.taken()));
    return {};
  };
  Millis next = job_.options.first_retry;
  for (;;) {
    const std::uint64_t before = intake.taken();
    auto taken = fetch_sealed(client, upload_.upload, std::nullopt, upload_.length, intake, buffer, each);
    if (taken) {
      auto opened = intake.finish();
      if (opened) {
        outcome_ = {opened->plain_size, std::nullopt, std::make_shared<const OpenedItem>(std::move(*opened))};
        return true;
      }
      taken = tl::unexpected(opened.error());
    }
    client.close();
    if (intake.refusal()) {
      if (foreign()) return false;
      // Not a byte of it was released that is not verified; whether the server has another one shows at the commit.
      partial->discard();
      return true;
    }
    if (!api::is_temporary(taken.error().kind) || committed_.load() || stop_->raised()) return true;
    if (intake.taken() > before) next = job_.options.first_retry;
    if (!api::pause(*stop_, next)) return true;
    next = std::min(next * 2, job_.options.most_retry);
  }
}

void Follower::follow_plain() {
  auto partial = job_.saver->begin(upload_.name, upload_.upload, upload_.delivery);
  // Whatever is in the way is told when the delivery is committed and this file's turn comes.
  if (!partial) return;
  http::ClientOptions options = job_.options.client;
  options.interrupt = stop_;
  api::OwnerClient client(job_.link, options);
  std::vector<std::byte> buffer(buffer_bytes);
  if (!sum_partial(*partial, sums_, buffer, *stop_)) return;
  job_.tally.arrived(upload_.upload, partial->size());

  Millis next = job_.options.first_retry;
  for (;;) {
    const std::uint64_t before = partial->size();
    const auto taken = take(*partial, client, buffer);
    if (taken) {
      outcome_ = {partial->size(), sums_.sums(), nullptr};
      return;
    }
    client.close();
    outcome_ = {partial->size(), std::nullopt, nullptr};
    if (!api::is_temporary(taken.error().kind) || committed_.load() || stop_->raised()) return;
    // A sender that pauses looks like a network that is cut: as long as the upload is listed, it is asked for again.
    if (partial->size() > before) next = job_.options.first_retry;
    if (!api::pause(*stop_, next)) return;
    next = std::min(next * 2, job_.options.most_retry);
  }
}

// One connection's worth. Success: the upload is complete, and all of it is in the partial.
Result<void> Follower::take(PartialFile& partial, api::OwnerClient& client, std::vector<std::byte>& buffer) {
  if (upload_.length && partial.size() == *upload_.length) return {};
  if (upload_.length) partial.expect_length(*upload_.length);
  const auto whole =
      client.fetch(upload_.upload, partial.size(), std::nullopt, buffer, [&](ByteView bytes) -> Result<void> {
        sums_.update(bytes);
        if (auto written = partial.write(bytes); !written) return written;
        job_.tally.arrived(upload_.upload, partial.size());
        return {};
      });
  if (!whole) return tl::unexpected(whole.error());
  if (!*whole) return fail(Kind::other, "the upload became shorter");
  return {};
}

}  // namespace qrx::receive
