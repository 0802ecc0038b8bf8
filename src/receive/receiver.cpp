#include "receive/receiver.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "api/owner_client.h"
#include "api/refusals.h"
#include "api/retry.h"
#include "receive/clearer.h"
#include "receive/followers.h"
#include "receive/kept_bytes.h"
#include "receive/kept_lists.h"
#include "receive/receive_job.h"
#include "receive/save_delivery.h"
#include "receive/sender_news.h"
#include "receive/space_watch.h"
#include "receive/stream_receiver.h"
#include "receive/text_delivery.h"
#include "receive/unnamed_files.h"

namespace qrx::receive {
namespace {

// The user waits for this: a space that is not deleted expires by itself.
constexpr Millis delete_time{5'000};
constexpr Millis linger_step{200};
constexpr Millis least_time{2'000};  // one cut on the way is no reason to give up

std::vector<const wire::DeliveryInfo*> fresh_ones(const api::SpaceContents& info, const std::set<Id>& handled) {
  std::vector<const wire::DeliveryInfo*> out;
  for (const auto& delivery : info.deliveries)
    if (!handled.contains(delivery.delivery)) out.push_back(&delivery);
  return out;
}

// What would be saved of these, but for what `accept` declines.
std::size_t files_in(const std::vector<const wire::DeliveryInfo*>& deliveries) {
  std::size_t files = 0;
  for (const auto* delivery : deliveries)
    for (const auto& file : delivery->files) files += file.sealed && file.name == wire::manifest_name ? 0 : 1;
  return files;
}

ReceiverOptions with_interrupt(ReceiverOptions options) {
  if (!options.client.interrupt) options.client.interrupt = std::make_shared<http::Interrupt>();
  return options;
}

}  // namespace

struct Receiver::Impl {
  api::SpaceAddress address;
  ReceiverOptions options;
  ReceiverEvents events;
  ReceiveTally tally;
  Received received;
  std::set<Id> handled;  // by this run: not to be looked at again
  Finished finished;
  SavedRecord record;
  SenderNews news;
  std::optional<Clearer> clearer;
  std::atomic<bool> gives_many{true};

  Impl(api::SpaceAddress where, ReceiverOptions how, ReceiverEvents tell)
      : address(std::move(where)),
        options(with_interrupt(std::move(how))),
        events(std::move(tell)),
        tally(events),
        record(options.state_dir, address.name),
        news(address, options.client) {
    // Whether a file is wanted is asked when its delivery is whole: nothing may be fetched before.
    if (events.accept) options.follow_uploads = false;
    if (options.timeout) {  // a server that falls silent within a download is not waited for any longer
      const Millis most = std::max(*options.timeout, least_time);
      options.client.answer_time = std::min(options.client.answer_time, most);
      options.client.stall_time = std::min(options.client.stall_time, most);
      options.retry.give_up = std::min(options.retry.give_up, most);
    }
    // What was shared is not the recipient's to delete, and nothing more will come.
    if (address.shared) options.keep = options.present_only = true;
    if (options.clear && !address.shared) clearer.emplace(address, options.client, tally);
  }

  ReceiveJob job() { return {address, options, *options.client.interrupt, tally, gives_many, nullptr, &record}; }

  void take_up() {
    if (options.take_up) handled = record.finished().deliveries;
  }

  // What an earlier run was about to do.
  void clear_what_was_left(const api::SpaceContents& info, bool first) {
    if (!clearer) return;
    if (first) {
      std::set<Id> there;
      for (const auto& delivery : info.deliveries) there.insert(delivery.delivery);
      record.keep_only(there);
    }
    news.tell(record);
    clearer->clear(info.deliveries, record);
  }

  SeenSeals seals() {
    return {options.state_dir, address.name, [this](const std::string& text) { tally.notice(text); }};
  }

  // `has`: it is where it was wanted only now, when all events were told.
  void count(const SavedDelivery& delivery, bool has) {
    handled.insert(delivery.info.delivery);
    ++received.deliveries;
    received.later += delivery.later;
    received.files += delivery.files.size();
    received.declined += delivery.declined.size();
    for (const auto& file : delivery.files) received.bytes += file.info.size;
    const bool told = tally.delivered(delivery);
    if (told && address.shared) drop_list(job(), delivery.info.delivery);
    // A text that could not be shown is nowhere yet: it stays for the next run.
    if (!told && delivery.files.empty()) return;
    // Texts, and what a stream took. Files were remembered when their names became durable
    // (DeliveryProgress::remember).
    if (has) record.finish(untold_of(delivery));
    // After it is remembered: a sender who was told "saved" must not be told another thing by the next run.
    news.tell(record);
    if (clearer) clearer->clear({&delivery.info, 1}, record);
  }

  void tell_kept(const wire::DeliveryInfo& delivery, const Error& error) {
    if (error.kind == Kind::unavailable) return;  // nobody can be told anything
    news.tell_kept(delivery.delivery, record);
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
    tell_kept(delivery, error);
    tally.refused(delivery, error);
  }

  bool enough(bool all_present) const {
    if (options.present_only) return all_present && (received.deliveries > 0 || received.refused > 0);
    return options.count != 0 && received.deliveries >= options.count;
  }

  tl::unexpected<Error> failed(Error error) const {
    // The error of the wait that was cut short is not what happened; the time was over.
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

  Result<void> nothing_there(const api::SpaceContents& info) const {
    if (options.present_only && received.deliveries + received.refused == 0 && info.uploads.empty())
      return fail(Kind::timed_out, "the space holds nothing");
    return {};
  }

  // Of what the space may hold; 0: no limit. What is cleared from the server counts there no more.
  std::uint64_t files_left(std::uint64_t max_files) const {
    if (max_files == 0 || clearer) return max_files;
    return std::max<std::uint64_t>(max_files - std::min(max_files, received.files), 1);
  }

  // Something in the space is still wanted: it must not be deleted.
  bool stays() const { return received.refused + received.left + received.later > 0; }

  using Take = std::function<void(const wire::DeliveryInfo&)>;
  bool delete_space(const Take& take);
  void leave(SeenSeals& seals, const Take& take);
  void tell_left(const ReceiveJob& job, const Error& error, const SaveText& save);
  Result<Received> save_all(const ReceiveJob& job, Followers& followers);
  Result<Received> stream_all(const ReceiveJob& job, int stream);
};

// What others had delivered by the end is not deleted unseen: `take` gets it. Nothing new is taken from then on,
// which senders are told for a while. True when the space is no more.
bool Receiver::Impl::delete_space(const Take& take) {
  if (options.keep) return false;
  api::OwnerClient client(address, options.client);
  // Long enough for a sender who has just scanned the code to find out that the space takes nothing more.
  const Steady until = std::chrono::steady_clock::now() + options.linger;
  bool closed = false;
  std::optional<std::uint64_t> seen;
  const auto look = [&]() -> Result<api::SpaceContents> {
    // Closed before it is looked at: what is there then is all that can come.
    if (!closed) {
      auto info = client.close_space();
      closed = info.has_value();
      return info;
    }
    // The server tells when something comes: a state of thousands of files is not read again and again.
    const Seconds left = std::chrono::ceil<Seconds>(until - std::chrono::steady_clock::now());
    return seen && left > Seconds{0} ? client.space(seen, left) : client.space();
  };
  const auto attempt = [&]() -> Result<bool> {
    for (;;) {
      const auto info = look();
      if (!info) return tl::unexpected(info.error());
      for (const auto* delivery : fresh_ones(*info, handled)) take(*delivery);
      if (stays()) return false;
      seen = info->seq;
      if (std::chrono::steady_clock::now() < until && api::sleep_interruptible(*options.client.interrupt, linger_step))
        continue;
      news.tell(record);  // what could not be told before; afterwards there is nobody to tell it to
      // Only as it was seen: a delivery that was being uploaded may have been committed since. The server compares, so
      // that nothing is deleted that nobody took.
      auto done = client.remove(info->deliveries.size());
      if (done) return true;
      if (done.error().kind != Kind::conflict) return tl::unexpected(done.error());
    }
  };
  api::RetryPolicy policy = options.retry;
  policy.give_up = delete_time;
  const auto deleted = api::retry(client, api::Backoff(*options.client.interrupt, policy, nullptr), attempt);
  if (deleted) return *deleted;
  // Somebody else deleted it, or it expired.
  if (deleted.error().kind == Kind::not_found) return true;
  if (options.client.interrupt->raised()) return false;  // whoever ends the run may still delete it
  tally.notice("the space could not be deleted (" + deleted.error().what + "); it stays until it expires");
  return false;
}

// After a run that did what it was to do.
void Receiver::Impl::leave(SeenSeals& seals, const Take& take) {
  // Never before: as long as the space is there the server could show an item again.
  if (delete_space(take)) seals.remove();
  finished = record.finished();
  if (address.shared) KeptBytes::remove_all(job());
  if (!stays() && !options.remember) record.remove();  // a later run with the same link is a new wish
}

Result<Received> Receiver::Impl::save_all(const ReceiveJob& job, Followers& followers) {
  SpaceWatch watch(job);
  for (bool first = true;; first = false) {
    const auto info = watch.next();
    if (!info && first)
      tell_left(job, info.error(), [&](const DeliveryContents& text) { return save_text(job, text); });
    if (!info) return ended(info.error());
    clear_what_was_left(*info, first);
    const auto fresh = fresh_ones(*info, handled);
    for (const auto* delivery : fresh) {
      // -o names a file that is not there: for several it is the name of a directory.
      const auto come = options.present_only ? fresh : std::vector{delivery};
      if (job.saver->one_file() && files_in(come) > 1) {
        // What was followed under the one name would be in the way of the directory.
        followers.stop(true);
        if (auto made = job.saver->make_directory(); !made) return tl::unexpected(made.error());
      }
      // A follower that still runs is waited for: its file is fetched from where it stands.
      ReceiveJob as_limited = job;
      as_limited.limited = info->limited;
      as_limited.max_files = files_left(info->max_files);
      const auto saved = save_delivery(as_limited, *delivery, [&](const Id& file) { return followers.finish(file); });
      if (!saved && !goes_on_after(saved.error())) {
        tell_kept(*delivery, saved.error());
        return failed(saved.error());
      }
      // Saved or not, its partials are done with.
      followers.delivered(*delivery);
      if (!saved) {
        refuse(*delivery, saved.error());
        continue;
      }
      count(*saved, is_text(saved->info));
      watch.delivered();
      if (enough(false)) return received;
    }
    if (enough(true)) return received;
    if (auto empty = nothing_there(*info); !empty) return tl::unexpected(empty.error());
    // Last: an upload whose delivery is committed by now is fetched as a whole, above.
    followers.update(info->uploads);
  }
}

// A limited link that was used up by the run that was killed gives not even a list; nor does a space that has expired
// since, or a server that has ended. The run fails all the same: what else there was is not known.
void Receiver::Impl::tell_left(const ReceiveJob& job, const Error& error, const SaveText& save) {
  const bool gone = error.kind == Kind::not_found || error.kind == Kind::gone;
  auto named = job.saver ? name_what_is_whole(job, gone) : std::vector<SavedDelivery>{};
  const bool any_texts = gone && tell_kept_lists(job, named, save);
  if (named.empty() && !any_texts) return;
  if (gone)
    tell_named(job, named);
  else  // told as saved when the server is back, with the rest of its delivery
    for (const SavedDelivery& delivery : named)
      for (const SavedFile& file : delivery.files) tally.notice(file.path + " is whole, and has its name now");
  tally.notice("an earlier run had downloaded this whole; " + error.what);
}

Result<Received> Receiver::Impl::stream_all(const ReceiveJob& job, int stream) {
  SpaceWatch watch(job);
  ReceiveJob as_limited = job;
  StreamReceiver receiver(as_limited, stream);
  for (bool first = true;; first = false) {
    const auto info = watch.next();
    if (!info && first)
      tell_left(job, info.error(), [&](const DeliveryContents& text) { return receiver.write_text(text); });
    if (!info) return ended(info.error());
    as_limited.limited = info->limited;
    clear_what_was_left(*info, first);
    // One after another: a stream cannot hold two files at once, and the one that was begun comes first.
    while (const auto* delivery = receiver.choose(fresh_ones(*info, handled))) {
      const auto written = receiver.write_delivery(*delivery);
      if (!written) {
        tell_kept(*delivery, written.error());
        return failed(written.error());
      }
      count(*written, true);
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
  impl_->take_up();
  SeenSeals seals = impl_->seals();
  ReceiveJob job = impl_->job();
  job.saver = &saver;
  job.seals = &seals;
  Followers followers(job);
  const auto result = impl_->save_all(job, followers);
  impl_->finished = impl_->record.finished();
  // Partials of a run that failed are for the next one.
  // What no delivery claimed is of uploads that were never committed.
  followers.stop(result.has_value());
  if (!result || impl_->stays()) return result;
  impl_->leave(seals, [&](const wire::DeliveryInfo& late) {
    const auto saved = save_delivery(job, late, [](const Id&) { return std::nullopt; });
    if (saved)
      impl_->count(*saved, is_text(saved->info));
    else
      impl_->refuse(late, saved.error());
  });
  return impl_->received;
}

Result<Received> Receiver::run(int stream) {
  impl_->take_up();
  SeenSeals seals = impl_->seals();
  ReceiveJob job = impl_->job();
  job.seals = &seals;
  const auto result = impl_->stream_all(job, stream);
  impl_->finished = impl_->record.finished();
  if (!result) return result;
  impl_->leave(seals, [&](const wire::DeliveryInfo& late) {
    impl_->handled.insert(late.delivery);
    ++impl_->received.left;  // a stream holds what it was to hold
  });
  return impl_->received;
}

const Finished& Receiver::finished() const {
  return impl_->finished;
}

void Receiver::interrupt() {
  impl_->options.client.interrupt->raise();
}

}  // namespace qrx::receive
