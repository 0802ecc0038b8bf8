#include "send/sender.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "api/drop_client.h"
#include "api/rate_limiter.h"
#include "api/retry.h"
#include "base/random.h"
#include "base/running_sums.h"
#include "base/units.h"
#include "send/earlier_delivery.h"
#include "send/files_there.h"
#include "send/large_file.h"
#include "send/losses.h"
#include "send/manifest_upload.h"
#include "send/send_job.h"
#include "send/small_files.h"
#include "send/stream_upload.h"
#include "wire/limits.h"

namespace qrx::send {
namespace {

constexpr std::size_t most_unpacked = 16;  // sealed small items that are blobs of their own; more go into one
// How often a delivery is mended or begun anew, because the server was ended in its midst, before a later run has to.
constexpr unsigned most_rounds = 5;
constexpr Millis look_patience{3'000};  // a server that is not there is said at once

Result<UniqueFd> open_stream(const Source& source) {
  // Not blocking: a named pipe without a writer is waited for by poll(2), which an interrupt ends.
  const bool standard = source.path == "-";
  const int fd = standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                          : ::open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return fail_errno("cannot read " + (standard ? std::string("standard input") : source.path));
  return UniqueFd(fd);
}

}  // namespace

struct Sender::Impl {
  wire::DropLink link;
  SenderOptions options;
  SenderEvents events;
  std::optional<seal::Recipient> recipient;  // to whom is sealed
  std::optional<SealPlan> plan;
  seal::Key seed;  // of the plan

  Impl(wire::DropLink where, SenderOptions how, SenderEvents tell)
      : link(std::move(where)), options(std::move(how)), events(std::move(tell)) {
    if (!options.client.interrupt) options.client.interrupt = std::make_shared<http::Interrupt>();
    had_key = !link.key.empty();
    // A link without its key from here on: what is not sealed must not find the state of a sealed run, or be checked
    // against the key.
    if (options.seal == SealChoice::off) link.key.clear();
  }
  bool had_key = false;  // the link as it was given

  http::Interrupt& interrupt() { return *options.client.interrupt; }

  // Whether another run can go on: with files, which have names by which it finds its state, and can be read again.
  bool keeps_state(const SourceList& sources) const {
    return !options.state_dir.empty() && !sources.has_stream && !sources.sources.empty();
  }

  Result<void> take_key_of_link();
  Result<void> check_seal(const wire::DropInfo& drop) const;
  Result<void> make_plan(SendJob& job, const seal::Key& from, bool packs);
  Result<wire::DropInfo> look();
  Result<SentDelivery> send(const SourceList& sources);
  Result<SentDelivery> send_once(const SourceList& sources, bool& start_over);
  Result<void> deliver(SendJob& job, api::DropClient& client, bool& start_over);
  // An earlier run's delivery, if it can be continued. Sets job.delivery, job.done and the state.
  Result<std::optional<wire::DeliveryState>> take_up(SendJob& job, api::DropClient& client,
                                                     std::optional<ResumeState>& state);
  Result<void> begin(SendJob& job, api::DropClient& client, std::optional<ResumeState>& state);
  Result<void> send_sources(SendJob& job, api::DropClient& client);
  Result<void> commit(SendJob& job, api::DropClient& client);
  SentFile sums_of_text() const;
};

Result<void> Sender::Impl::take_key_of_link() {
  if (link.key.empty()) {
    if (options.seal != SealChoice::require) return {};
    return fail(Kind::usage, "--seal require: the link has no key to encrypt to", "nothing was sent");
  }
  auto parsed = seal::Recipient::parse(link.key);
  if (!parsed) return tl::unexpected(parsed.error());
  recipient = *parsed;
  return {};
}

// The key of the link counts: it did not come from the server, who may say what it likes.
Result<void> Sender::Impl::check_seal(const wire::DropInfo& drop) const {
  if (drop.seal == wire::Seal::require && !recipient)
    return fail(Kind::denied,
                had_key ? "the receiver accepts only encrypted files, and encryption is off (--seal off)"
                        : "the receiver accepts only encrypted files, and this link has no key to encrypt to",
                "nothing was sent");
  // The server need not know the key at all: the link has it.
  if (drop.key.empty() || !recipient) return {};
  const auto named = seal::Recipient::parse(drop.key);
  if (named && *named == *recipient) return {};
  // Whoever changed it could read what is sealed to it. It is not known which of the two is the receiver's.
  return fail(Kind::integrity, "the server and the link name different keys: one of them was changed",
              "nothing was sent; ask the receiver for the link anew");
}

Result<void> Sender::Impl::make_plan(SendJob& job, const seal::Key& from, bool packs) {
  seed = from.clone();
  Items items = packs ? Items::packed(job.list) : Items(job.list.sources.size());
  auto made = SealPlan::make(*recipient, seed, job.list, items, options.message, options.preserve);
  if (!made) return tl::unexpected(made.error());
  plan.emplace(std::move(*made));
  job.use(std::move(items), *plan);
  return {};
}

Result<wire::DropInfo> Sender::Impl::look() {
  if (auto fits = wire::check_message(options.message); !fits) return tl::unexpected(fits.error());
  if (auto taken = take_key_of_link(); !taken) return tl::unexpected(taken.error());
  api::DropClient client(link, options.client);
  api::RetryPolicy policy = options.retry;
  policy.give_up = std::min(policy.give_up, look_patience);
  auto drop = api::retry(client, api::Backoff(interrupt(), policy, events.retry), [&] { return client.look(); });
  if (drop)
    if (auto fits = check_seal(*drop); !fits) return tl::unexpected(fits.error());
  return drop;
}

Result<std::optional<wire::DeliveryState>> Sender::Impl::take_up(SendJob& job, api::DropClient& client,
                                                                 std::optional<ResumeState>& state) {
  if (!keeps_state(job.list)) return std::nullopt;
  state = ResumeState::load(options.state_dir, link, job.list);
  if (!state) return std::nullopt;
  const auto there = api::retry(client, job.backoff(), [&]() -> Result<std::optional<wire::DeliveryState>> {
    auto found = client.delivery(state->delivery());
    if (found) return std::optional(std::move(*found));
    // Its space may have been swept, or the delivery been left for too long.
    if (found.error().kind == Kind::not_found) return std::nullopt;
    return tl::unexpected(found.error());
  });
  if (!there) return tl::unexpected(there.error());
  if (!*there) {
    state.reset();
    return std::nullopt;
  }
  // With the seed of the earlier run: the same bytes again, under the same names.
  if (state->seed())
    if (auto planned = make_plan(job, *state->seed(), state->packs()); !planned) return tl::unexpected(planned.error());
  const auto fits = believe(job, **there, *state);
  if (!fits) return tl::unexpected(fits.error());
  if (*fits) {
    job.delivery = state->delivery();
    return *there;
  }
  // Sources changed since: what is there of the old ones is of no use to anyone. A committed delivery stays.
  if (!(*there)->committed) static_cast<void>(client.cancel(state->delivery()));
  state.reset();
  job.done.assign(job.list.sources.size(), std::nullopt);
  job.manifest.reset();
  for (std::size_t i = 0; i < job.done.size(); ++i) job.tally.set(i, 0);
  return std::nullopt;
}

// The limits and the key are asked for again: look() may have been long ago, and another sender may have used the
// space.
Result<void> Sender::Impl::begin(SendJob& job, api::DropClient& client, std::optional<ResumeState>& state) {
  const auto drop = api::retry(client, job.backoff(), [&] { return client.look(); });
  if (!drop) return tl::unexpected(drop.error());
  if (auto fits = check_seal(*drop); !fits) return fits;
  if (auto fits = check_limits(*drop, job.list, recipient.has_value()); !fits) return fits;
  if (recipient) {
    seal::Key fresh;
    fill_random(fresh.span());
    if (auto planned = make_plan(job, fresh, drop->packs); !planned) return planned;
  }
  // The message of a sealed delivery stands in its manifest, where the server cannot read it.
  const auto opened =
      api::retry(client, job.backoff(), [&] { return client.open_delivery(recipient ? "" : options.message); });
  if (!opened) return tl::unexpected(opened.error());
  job.delivery = *opened;
  if (!keeps_state(job.list)) return {};
  auto begun = ResumeState::begin(options.state_dir, link, job.list, job.delivery, recipient ? &seed : nullptr,
                                  recipient && drop->packs);
  if (begun)
    state = std::move(*begun);
  else
    job.tally.notice(begun.error().what + "; if this run is cut off, the next one starts anew");
  return {};
}

Result<void> Sender::Impl::send_sources(SendJob& job, api::DropClient& client) {
  if (auto sent = send_manifest(job, client); !sent) return sent;
  const auto source_of = [&job](std::size_t item) -> const Source& {
    return job.list.sources[job.items.first_source(item)];
  };
  std::vector<std::size_t> small;
  for (std::size_t i = 0; i < job.items.count(); ++i)
    if (!job.is_done(i) && !source_of(i).stream && job.wire_size(i) <= wire::most_small_bytes) small.push_back(i);
  if (job.plan != nullptr && !job.items.has_packs() && small.size() <= most_unpacked) small.clear();
  if (auto sent = send_small_files(job, small); !sent) return sent;
  for (std::size_t i = 0; i < job.items.count(); ++i) {
    const Source& source = source_of(i);
    if (job.is_done(i)) continue;
    if (!source.stream) {
      if (auto sent = send_large_file(job, client, i); !sent) return sent;
      continue;
    }
    const auto fd = open_stream(source);
    if (!fd) return tl::unexpected(fd.error());
    // From now on a failure must not begin the delivery anew: what was read is gone.
    if (!source.regular) job.stream_begun = true;
    if (auto sent = send_stream(job, client, i, fd->get()); !sent) return sent;
  }
  return {};
}

Result<void> Sender::Impl::commit(SendJob& job, api::DropClient& client) {
  const auto state = api::retry(client, job.backoff(), [&] {
    // The server compares the number: a file whose loss nobody noticed must not be left out of a commit.
    return client.commit(job.delivery, job.items.count() + (job.plan != nullptr ? 1 : 0));
  });
  if (!state) return tl::unexpected(state.error());
  // The last word: the sums of all that the server has committed, also where an answer to an upload was lost.
  const FilesThere files(state->files);
  for (std::size_t i = 0; i < job.wire.size(); ++i)
    if (!files.has(job.wire[i]))
      return fail(Kind::integrity,
                  "the server has other bytes of " + job.done[job.items.first_source(i)]->name + " than were sent");
  if (job.manifest && !files.has(*job.manifest))
    return fail(Kind::integrity, "the server has another list of files than was sent");
  return {};
}

// Sends what is not there yet, and commits. `start_over`: nothing of this delivery can be used, and another may do.
Result<void> Sender::Impl::deliver(SendJob& job, api::DropClient& client, bool& start_over) {
  for (unsigned round = 0;;) {
    auto done = send_sources(job, client);
    if (done) done = commit(job, client);
    if (done || interrupt().raised()) return done;
    const Error& error = done.error();
    // Only these two are what a server says that was ended and lost something.
    if (error.kind != Kind::conflict && error.kind != Kind::not_found) return done;
    if (++round > most_rounds) return fail(Kind::unavailable, error.what, "run the same command again to resume");
    const auto lost = look_for_losses(job, client);
    if (!lost) return tl::unexpected(lost.error());
    if (*lost == Lost::files) continue;
    // Nothing is lost and yet it refuses: an upload that this side never learned of blocks the commit.
    if (*lost == Lost::nothing) static_cast<void>(client.cancel(job.delivery));
    start_over = !job.stream_begun;
    return fail(Kind::unavailable, error.what, "send it again");
  }
}

SentFile Sender::Impl::sums_of_text() const {
  const Sums sums = sums_of(as_bytes(options.message), options.sha256);
  return {"-", options.message.size(), sums.xxh128, sums.sha256, recipient.has_value()};
}

Result<SentDelivery> Sender::Impl::send_once(const SourceList& sources, bool& start_over) {
  api::RateLimiter rate(options.most_rate);
  SendTally tally(events, sources);
  SendJob job(link, options, sources, interrupt(), rate, tally);
  api::DropClient client(link, options.client);

  std::optional<ResumeState> state;
  const auto earlier = take_up(job, client, state);
  if (!earlier) return tl::unexpected(earlier.error());
  const bool resumed = earlier->has_value();
  if (!resumed)
    if (auto begun = begin(job, client, state); !begun) return tl::unexpected(begun.error());
  if (state) job.state = &*state;

  if (auto done = deliver(job, client, start_over); !done) {
    // A delivery with a stream cannot be continued, so that nothing is kept of it.
    // After an interrupt no request goes out any more; the server forgets the delivery by itself.
    if (sources.has_stream && !interrupt().raised()) static_cast<void>(client.cancel(job.delivery));
    return tl::unexpected(done.error());
  }
  tally.committed();
  // After the commit: a crash in between leaves a state whose delivery is found to be committed.
  if (state) state->remove();
  SentDelivery out;
  out.delivery = job.delivery;
  out.resumed = resumed;
  for (auto& file : job.done) out.files.push_back(std::move(*file));
  for (std::size_t item = 0; item < job.items.count(); ++item)
    for (const std::size_t source : job.items.sources(item)) out.files[source].item = job.wire[item].name;
  if (sources.sources.empty()) {
    out.files.push_back(sums_of_text());
    tally.sent(out.files.back());
  }
  return out;
}

Result<SentDelivery> Sender::Impl::send(const SourceList& sources) {
  if (sources.sources.empty() && options.message.empty()) return fail(Kind::usage, "nothing to send");
  if (auto fits = wire::check_message(options.message); !fits) return tl::unexpected(fits.error());
  if (auto taken = take_key_of_link(); !taken) return tl::unexpected(taken.error());
  for (unsigned round = 0;; ++round) {
    bool start_over = false;
    auto sent = send_once(sources, start_over);
    if (sent || !start_over || round == most_rounds) return sent;
  }
}

Sender::Sender(wire::DropLink link, SenderOptions options, SenderEvents events)
    : impl_(std::make_unique<Impl>(std::move(link), std::move(options), std::move(events))) {}
Sender::~Sender() = default;

Result<wire::DropInfo> Sender::look() {
  return impl_->look();
}
bool Sender::seals() const {
  return !impl_->link.key.empty();
}

Result<void> Sender::check_limits(const wire::DropInfo& drop, const SourceList& sources, bool sealed) {
  if (drop.state != wire::SpaceState::open)
    return fail(Kind::denied, "the receiver accepts nothing more",
                "they have closed this link, or its limits are reached");
  const auto& limits = drop.limits;
  if (limits.max_files != 0 && sources.sources.size() > limits.max_files)
    return fail(Kind::too_large, "too many files: " + std::to_string(sources.sources.size()) + ", and " +
                                     std::to_string(limits.max_files) + " are left of the receiver's limit");
  std::uint64_t bytes = sources.known_bytes;
  if (sealed) {
    bytes = 0;
    const Items items = drop.packs ? Items::packed(sources) : Items(sources.sources.size());
    for (std::size_t item = 0; item < items.count(); ++item) {
      std::uint64_t plain = 0;
      for (const std::size_t source : items.sources(item)) plain += sources.sources[source].size.value_or(0);
      bytes += seal::sealed_size(plain);  // a header, and 16 bytes more for each 64 KiB
    }
  }
  if (limits.max_size != 0 && bytes > limits.max_size)
    return fail(Kind::too_large, "too large: " + format_size(bytes) + (sealed ? " encrypted, " : ", ") +
                                     format_size(limits.max_size) + " left of the receiver's limit");
  return {};
}

Result<SentDelivery> Sender::send(const SourceList& sources) {
  return impl_->send(sources);
}

void Sender::interrupt() {
  impl_->options.client.interrupt->raise();
}

}  // namespace qrx::send
