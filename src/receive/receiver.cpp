#include "receive/receiver.h"

#include <algorithm>
#include <set>

#include "api/refusals.h"
#include "receive/receive_job.h"
#include "receive/receive_stream.h"
#include "receive/space_watch.h"
#include "seal/item.h"

namespace qrx::receive {
namespace {

constexpr Millis delete_patience{5'000};
constexpr Millis linger_step{200};
constexpr Millis least_patience{2'000};  // one cut on the way is no reason to give up

std::vector<const wire::DeliveryInfo*> fresh_ones(const wire::SpaceInfo& info, const std::set<Id>& handled) {
  std::vector<const wire::DeliveryInfo*> out;
  for (const auto& delivery : info.deliveries)
    if (!handled.contains(delivery.delivery)) out.push_back(&delivery);
  return out;
}

// The followers of all uploads that are running.
class Followers {
 public:
  explicit Followers(const ReceiveJob& job) : job_(job) {}

  void update(const std::vector<wire::UploadInfo>& uploads) {
    std::size_t running = 0;
    for (const auto& [id, follower] : followers_) running += follower->running() ? 1 : 0;
    std::set<Id> listed;
    for (const auto& upload : uploads) {
      listed.insert(upload.upload);
      if (job_.options.identity && upload.name == wire::manifest_name) continue;  // no file of its delivery
      if (followers_.contains(upload.upload)) continue;
      const bool room = job_.options.follow_uploads && running < std::max(job_.options.connections, 1U) &&
                        !(job_.saver->one_file() && uploads.size() > 1);
      if (room) {
        followers_.emplace(upload.upload, std::make_unique<Follower>(job_, upload));
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
      if (listed.contains(entry.first) || entry.second->running() || entry.second->finish().whole()) return false;
      entry.second->stop(true);
      return true;
    });
    std::erase_if(watched_, [&](const Id& id) {
      if (listed.contains(id) && !followers_.contains(id)) return false;
      if (!followers_.contains(id)) job_.tally.forget(id);
      return true;
    });
  }

  std::optional<Follower::Outcome> outcome(const Id& file) {
    const auto it = followers_.find(file);
    return it == followers_.end() ? std::nullopt : std::optional(it->second->finish());
  }

  void delivered(const wire::DeliveryInfo& delivery) {
    for (const auto& file : delivery.files) {
      followers_.erase(file.file);
      watched_.erase(file.file);
    }
  }

  void stop(bool discard) {
    for (auto& [id, follower] : followers_) follower->stop(discard);
    followers_.clear();
  }

 private:
  const ReceiveJob& job_;
  std::map<Id, std::unique_ptr<Follower>> followers_;
  std::set<Id> watched_;  // shown only
};

}  // namespace

struct Receiver::Impl {
  api::SpaceAddress address;
  ReceiverOptions options;
  ReceiverEvents events;
  ReceiveTally tally;
  Received received;
  std::set<Id> handled;  // by this run: not to be looked at again
  Finished finished;

  Impl(api::SpaceAddress where, ReceiverOptions how, ReceiverEvents tell)
      : address(std::move(where)), options(std::move(how)), events(std::move(tell)), tally(events) {
    if (!options.client.interrupt) options.client.interrupt = std::make_shared<http::Interrupt>();
    if (events.accept) options.follow_uploads = false;
    if (options.timeout) {  // a server that falls silent within a download is not waited for any longer
      const Millis most = std::max(*options.timeout, least_patience);
      options.client.answer_time = std::min(options.client.answer_time, most);
      options.client.stall_time = std::min(options.client.stall_time, most);
      options.give_up = std::min(options.give_up, most);
    }
    if (address.shared) options.keep = options.present_only = true;
  }

  ReceiveJob job() { return {address, options, *options.client.interrupt, tally, nullptr, nullptr, nullptr}; }

  void take_up(const SavedRecord& record) {
    if (options.take_up) handled = record.finished().deliveries;
  }

  SeenSeals seals() {
    return {options.state_dir, address.name, [this](const std::string& text) { tally.notice(text); }};
  }

  void count(const SavedDelivery& delivery) {
    handled.insert(delivery.info.delivery);
    ++received.deliveries;
    received.later += delivery.later;
    received.files += delivery.files.size();
    received.declined += delivery.declined.size();
    for (const auto& file : delivery.files) received.bytes += file.info.size;
    tally.delivered(delivery);
  }

  // What a sender can cause must not end a receiver that is there for others too.
  bool goes_on_after(const Error& error) const {
    const bool at_fault = error.kind == Kind::integrity || error.kind == Kind::usage || error.kind == Kind::exists;
    return at_fault && (options.present_only || options.count != 1);
  }

  void refuse(const wire::DeliveryInfo& delivery, const Error& error) {
    handled.insert(delivery.delivery);
    ++received.refused;
    if (!received.first_refusal) received.first_refusal = error;
    tally.refused(delivery, error);
  }

  bool enough(bool all_present) const {
    if (options.present_only) return all_present && (received.deliveries > 0 || received.refused > 0);
    return options.count != 0 && received.deliveries >= options.count;
  }

  tl::unexpected<Error> failed(Error error) const {
    if (options.timeout && api::is_temporary(error.kind) && !options.client.interrupt->raised()) {
      error.kind = Kind::timed_out;
      error.what = "timed out: " + error.what;
    }
    return tl::unexpected(std::move(error));
  }

  // A space that is gone is how following ends.
  Result<Received> ended(const Error& error) const {
    if (error.kind == Kind::not_found && options.count == 0 && !options.present_only &&
        received.deliveries + received.refused > 0)
      return received;
    return tl::unexpected(error);
  }

  Result<void> nothing_there(const wire::SpaceInfo& info) const {
    if (options.present_only && received.deliveries + received.refused == 0 && info.uploads.empty())
      return fail(Kind::timed_out, "the space holds nothing");
    return {};
  }

  bool stays() const { return received.refused + received.left + received.later > 0; }

  // What others had delivered by the end is not deleted unseen: `take` gets it. Nothing new is taken from then on,
  // which senders are told for a while. True when the space is no more.
  bool clean_up(const std::function<void(const wire::DeliveryInfo&)>& take) {
    if (options.keep) return false;
    api::OwnerClient client(address, options.client);
    api::Patience patience(*options.client.interrupt, {options.first_retry, options.most_retry, delete_patience},
                           nullptr);
    const Steady until = std::chrono::steady_clock::now() + options.linger;
    bool closed = false;
    std::optional<std::uint64_t> seen;
    for (;;) {
      Result<void> done;
      if (!closed) done = client.close_space();
      if (done) {
        closed = true;
        // The server tells when something comes: a state of thousands of files is not read again and again.
        const Seconds left = std::chrono::ceil<Seconds>(until - std::chrono::steady_clock::now());
        const auto info = seen && left > Seconds{0} ? client.space(seen, left) : client.space();
        if (info) {
          for (const auto* delivery : fresh_ones(*info, handled)) take(*delivery);
          if (stays()) return false;
          seen = info->seq;
          if (std::chrono::steady_clock::now() < until && api::pause(*options.client.interrupt, linger_step)) continue;
          // Only as it was seen: a delivery that was being uploaded may have been committed since.
          done = client.remove(info->deliveries.size());
          if (done) return true;
          if (done.error().kind == Kind::conflict) continue;
        } else {
          done = tl::unexpected(info.error());
        }
      }
      if (done.error().kind == Kind::not_found) return true;
      client.close();
      if (!patience.wait(done.error(), client.asked_pause())) {
        tally.notice("the space could not be deleted (" + done.error().what + "); it stays until it expires");
        return false;
      }
    }
  }

  Result<Received> save_all(const ReceiveJob& job, Followers& followers);
  Result<Received> stream_all(const ReceiveJob& job, int stream);
};

Result<Received> Receiver::Impl::save_all(const ReceiveJob& job, Followers& followers) {
  Watch watch(job);
  for (;;) {
    const auto info = watch.next();
    if (!info) return ended(info.error());
    for (const auto* delivery : fresh_ones(*info, handled)) {
      const auto saved = save_delivery(job, *delivery, [&](const Id& file) { return followers.outcome(file); });
      if (!saved && !goes_on_after(saved.error())) return failed(saved.error());
      followers.delivered(*delivery);
      if (!saved) {
        refuse(*delivery, saved.error());
        continue;
      }
      count(*saved);
      // A text is where it was wanted when it was told.
      if (is_text(saved->info) && saved->later == 0) job.record->finish(delivery->delivery, {}, true);
      watch.delivered();
      if (enough(false)) return received;
    }
    if (enough(true)) return received;
    if (auto empty = nothing_there(*info); !empty) return tl::unexpected(empty.error());
    followers.update(info->uploads);
  }
}

Result<Received> Receiver::Impl::stream_all(const ReceiveJob& job, int stream) {
  Watch watch(job);
  StreamReceiver receiver(job, stream);
  for (;;) {
    const auto info = watch.next();
    if (!info) return ended(info.error());
    while (const auto* delivery = receiver.choose(fresh_ones(*info, handled))) {
      const auto written = receiver.write_delivery(*delivery);
      if (!written) return failed(written.error());
      if (written->later == 0) job.record->finish(delivery->delivery, {}, true);
      count(*written);
      watch.delivered();
      if (enough(false)) return received;
    }
    if (enough(true)) return received;
    if (auto empty = nothing_there(*info); !empty) return tl::unexpected(empty.error());
    if (options.follow_uploads)
      if (auto done = receiver.update(info->uploads); !done) return tl::unexpected(done.error());
  }
}

Receiver::Receiver(api::SpaceAddress address, ReceiverOptions options, ReceiverEvents events)
    : impl_(std::make_unique<Impl>(std::move(address), std::move(options), std::move(events))) {}
Receiver::~Receiver() = default;

Result<Received> Receiver::run(Saver& saver) {
  SavedRecord record(impl_->options.state_dir, impl_->address.name);
  impl_->take_up(record);
  SeenSeals seals = impl_->seals();
  ReceiveJob job = impl_->job();
  job.saver = &saver;
  job.record = &record;
  job.seals = &seals;
  Followers followers(job);
  auto result = impl_->save_all(job, followers);
  impl_->finished = record.finished();
  // Partials of a run that failed are for the next one.
  followers.stop(result.has_value());
  if (result && !impl_->stays()) {
    const bool deleted = impl_->clean_up([&](const wire::DeliveryInfo& late) {
      const auto saved = save_delivery(job, late, [](const Id&) { return std::nullopt; });
      if (saved)
        impl_->count(*saved);
      else
        impl_->refuse(late, saved.error());
    });
    if (deleted) seals.remove();
    result = impl_->received;
    impl_->finished = record.finished();
    if (!impl_->stays() && !impl_->options.remember) record.remove();  // a later run with the same link is a new wish
  }
  return result;
}

Result<Received> Receiver::run(int stream) {
  SavedRecord record(impl_->options.state_dir, impl_->address.name);
  impl_->take_up(record);
  SeenSeals seals = impl_->seals();
  ReceiveJob job = impl_->job();
  job.record = &record;
  job.seals = &seals;
  auto result = impl_->stream_all(job, stream);
  impl_->finished = record.finished();
  if (result) {
    const bool deleted = impl_->clean_up([&](const wire::DeliveryInfo& late) {
      impl_->handled.insert(late.delivery);
      ++impl_->received.left;  // a stream holds what it was to hold
    });
    if (deleted) seals.remove();
    result = impl_->received;
    impl_->finished = record.finished();
    if (!impl_->stays() && !impl_->options.remember) record.remove();
  }
  return result;
}

const Finished& Receiver::finished() const {
  return impl_->finished;
}

void Receiver::interrupt() {
  impl_->options.client.interrupt->raise();
}

Result<wire::SpaceCreated> create_space(const Origin& origin, const wire::CreateSpace& wish,
                                        const http::ClientOptions& options, const std::string& create_token,
                                        Millis patience_time) {
  http::ClientOptions own = options;
  if (!own.interrupt) own.interrupt = std::make_shared<http::Interrupt>();
  http::Client client(origin, own);
  http::ClientRequest request;
  request.method = "POST";
  request.target = wire::path_of({wire::Resource::spaces});
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  if (!create_token.empty()) request.headers.push_back({"Authorization", "Bearer " + create_token});
  request.has_body = true;
  request.body = wire::to_json(wish);
  api::Patience patience(*own.interrupt, {Millis{50}, Millis{1000}, std::max(patience_time, least_patience)}, nullptr);
  for (;;) {
    const auto answer = client.request(request, 1U << 20);
    if (answer && answer->status == 201) {
      auto created = wire::from_json<wire::SpaceCreated>(answer->body);
      if (!created) return fail(Kind::other, "the server's answer is not understood", "is this a qrx server?");
      return created;
    }
    Error error = answer ? api::refusal(*answer, "open a space") : answer.error();
    if (answer && (answer->status < 400 || error.kind == Kind::not_found))
      return fail(Kind::other, origin.url() + " is not a qrx server: it answered " + std::to_string(answer->status));
    client.close();
    if (auto go_on = patience.wait(error, answer ? api::retry_after(*answer) : std::nullopt); !go_on)
      return tl::unexpected(go_on.error());
  }
}

Result<wire::SpaceInfo> look_at_space(const OwnerLink& link, const http::ClientOptions& options) {
  return api::OwnerClient(link, options).space();
}

Result<Unsaved> find_unsaved(const OwnerLink& link, const http::ClientOptions& options, const Finished& finished,
                             bool close) {
  api::OwnerClient client(link, options);
  if (close)
    if (auto closed = client.close_space(); !closed) return tl::unexpected(closed.error());
  const auto info = client.space();
  if (!info) return tl::unexpected(info.error());
  Unsaved unsaved;
  unsaved.held = info->deliveries.size();
  for (const auto* delivery : fresh_ones(*info, finished.deliveries)) {
    ++unsaved.deliveries;
    for (const auto& file : delivery->files) {
      if (finished.files.contains(file.file) || (file.sealed && file.name == wire::manifest_name)) continue;
      ++unsaved.files;
      unsaved.bytes += file.sealed ? seal::plain_part(file.size) : file.size;
    }
  }
  return unsaved;
}

Finished what_is_finished(const std::string& state_dir, const Guid& guid) {
  return SavedRecord(state_dir, guid).finished();
}

void forget_finished(const std::string& state_dir, const Guid& guid) {
  SavedRecord(state_dir, guid).remove();
}

void forget_received(const std::string& state_dir, const Guid& guid) {
  forget_finished(state_dir, guid);
  SeenSeals(state_dir, guid, {}).remove();
}

Result<void> delete_space(const OwnerLink& link, const http::ClientOptions& options,
                          std::optional<std::uint64_t> deliveries) {
  return api::OwnerClient(link, options).remove(deliveries);
}

}  // namespace qrx::receive
