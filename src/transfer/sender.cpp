#include "transfer/sender.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "base/units.h"
#include "transfer/answers.h"
#include "transfer/send_job.h"

namespace qrx::transfer {
namespace {

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
  DropLink link;
  SenderOptions options;
  SenderEvents events;

  Impl(DropLink where, SenderOptions how, SenderEvents tell)
      : link(std::move(where)), options(std::move(how)), events(std::move(tell)) {
    if (!options.client.interrupt) options.client.interrupt = std::make_shared<http::Interrupt>();
  }

  http::Interrupt& interrupt() { return *options.client.interrupt; }

  template <class Call>
  auto patiently(DropClient& client, Patience patience, Call call) -> decltype(call()) {
    for (;;) {
      auto result = call();
      if (result) return result;
      const auto asked = client.asked_pause();
      client.close();
      if (auto go_on = patience.wait(result.error(), asked); !go_on) return tl::unexpected(go_on.error());
    }
  }

  Result<wire::DropInfo> look();
  Result<SentDelivery> send(const SourceList& sources);
  // An earlier run's delivery, if it can be continued. Sets job.delivery, job.done and the state.
  Result<std::optional<wire::DeliveryState>> take_up(SendJob& job, DropClient& client, std::optional<SendState>& state);
  Result<void> begin(SendJob& job, DropClient& client, std::optional<SendState>& state);
  Result<bool> believe(SendJob& job, const wire::DeliveryState& there, const SendState& state);
  Result<void> send_sources(SendJob& job, DropClient& client);
  Result<void> commit(SendJob& job, DropClient& client);
};

Result<wire::DropInfo> Sender::Impl::look() {
  DropClient client(link, options.client);
  Patience patience(interrupt(), {options.first_retry, options.most_retry, std::min(options.give_up, look_patience)},
                    events.notice);
  return patiently(client, std::move(patience), [&] { return client.look(); });
}

// Which sources the delivery has already, as they are here now. False when one of them changed and cannot be replaced.
Result<bool> Sender::Impl::believe(SendJob& job, const wire::DeliveryState& there, const SendState& state) {
  std::unordered_map<std::string_view, const wire::ReceivedFile*> received;
  for (const auto& file : there.files) received.emplace(file.name, &file);
  for (std::size_t i = 0; i < job.list.sources.size(); ++i) {
    const Source& source = job.list.sources[i];
    const auto found = received.find(source.name);
    if (found == received.end()) {
      // Parts of other bytes are in this upload.
      if (state.changed(i) && state.upload(i)) return false;
      continue;
    }
    auto here = sum_file(source, options.sha256, interrupt());
    if (!here) return tl::unexpected(here.error());
    if (here->size == found->second->size && here->xxh128 == found->second->xxh128) {
      job.tally.set(i, here->size);
      job.tally.sent(*here);
      job.done[i] = std::move(*here);
    } else if (there.committed || here->size > most_small_bytes || found->second->size > most_small_bytes) {
      return false;  // only small files replace each other
    }
  }
  return true;
}

Result<std::optional<wire::DeliveryState>> Sender::Impl::take_up(SendJob& job, DropClient& client,
                                                                 std::optional<SendState>& state) {
  if (options.state_dir.empty() || job.list.has_stream) return std::nullopt;
  state = SendState::load(options.state_dir, link, job.list);
  if (!state) return std::nullopt;
  const auto there = patiently(client, job.patience(), [&]() -> Result<std::optional<wire::DeliveryState>> {
    auto found = client.delivery(state->delivery());
    if (found) return std::optional(std::move(*found));
    if (found.error().kind == Kind::not_found) return std::nullopt;
    return tl::unexpected(found.error());
  });
  if (!there) return tl::unexpected(there.error());
  if (!*there) {
    state.reset();
    return std::nullopt;
  }
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
  for (std::size_t i = 0; i < job.done.size(); ++i) job.tally.set(i, 0);
  return std::nullopt;
}

Result<void> Sender::Impl::begin(SendJob& job, DropClient& client, std::optional<SendState>& state) {
  const auto drop = patiently(client, job.patience(), [&] { return client.look(); });
  if (!drop) return tl::unexpected(drop.error());
  if (auto fits = check_limits(*drop, job.list); !fits) return fits;
  const auto opened = patiently(client, job.patience(), [&] { return client.open_delivery(options.message); });
  if (!opened) return tl::unexpected(opened.error());
  job.delivery = *opened;
  if (options.state_dir.empty() || job.list.has_stream) return {};
  auto begun = SendState::begin(options.state_dir, link, job.list, job.delivery);
  if (begun) state = std::move(*begun);
  else job.tally.notice(begun.error().what + "; if this run is cut off, the next one starts anew");
  return {};
}

Result<void> Sender::Impl::send_sources(SendJob& job, DropClient& client) {
  std::vector<std::size_t> small;
  for (std::size_t i = 0; i < job.list.sources.size(); ++i)
    if (!job.done[i] && !job.list.sources[i].stream && *job.list.sources[i].size <= most_small_bytes) small.push_back(i);
  if (auto sent = send_small_files(job, small); !sent) return sent;
  for (std::size_t i = 0; i < job.list.sources.size(); ++i) {
    const Source& source = job.list.sources[i];
    if (job.done[i]) continue;
    if (!source.stream) {
      if (auto sent = send_large_file(job, client, i); !sent) return sent;
      continue;
    }
    const auto fd = open_stream(source);
    if (!fd) return tl::unexpected(fd.error());
    if (auto sent = send_stream(job, client, i, fd->get()); !sent) return sent;
  }
  return {};
}

Result<void> Sender::Impl::commit(SendJob& job, DropClient& client) {
  const auto state =
      patiently(client, job.patience(), [&] { return client.commit(job.delivery, job.list.sources.size()); });
  if (!state) return tl::unexpected(state.error());
  std::unordered_map<std::string_view, const wire::ReceivedFile*> received;
  for (const auto& file : state->files) received.emplace(file.name, &file);
  for (const auto& sent : job.done) {
    const auto found = received.find(sent->name);
    if (found == received.end() || found->second->size != sent->size || found->second->xxh128 != sent->xxh128)
      return fail(Kind::integrity, "the server has other bytes of " + sent->name + " than were sent");
  }
  return {};
}

Result<SentDelivery> Sender::Impl::send(const SourceList& sources) {
  if (sources.sources.empty()) return fail(Kind::usage, "nothing to send");
  Pace pace(options.most_rate);
  SendTally tally(events, sources);
  SendJob job{link, options, sources, interrupt(), pace, tally, {}, nullptr, {}};
  job.done.resize(sources.sources.size());
  DropClient client(link, options.client);

  std::optional<SendState> state;
  const auto earlier = take_up(job, client, state);
  if (!earlier) return tl::unexpected(earlier.error());
  const bool resumed = earlier->has_value();
  if (!resumed)
    if (auto begun = begin(job, client, state); !begun) return tl::unexpected(begun.error());
  if (state) job.state = &*state;

  auto done = send_sources(job, client);
  if (done) done = commit(job, client);
  if (!done) {
    // A delivery with a stream cannot be continued, so that nothing is kept of it.
    if (sources.has_stream && !interrupt().raised()) static_cast<void>(client.cancel(job.delivery));
    return tl::unexpected(done.error());
  }
  tally.committed();
  if (state) state->remove();
  SentDelivery out;
  out.delivery = job.delivery;
  out.resumed = resumed;
  for (auto& file : job.done) out.files.push_back(std::move(*file));
  return out;
}

Sender::Sender(DropLink link, SenderOptions options, SenderEvents events)
    : impl_(std::make_unique<Impl>(std::move(link), std::move(options), std::move(events))) {}
Sender::~Sender() = default;

Result<wire::DropInfo> Sender::look() { return impl_->look(); }

Result<void> Sender::check_limits(const wire::DropInfo& drop, const SourceList& sources) {
  if (drop.state != wire::SpaceState::open) return fail(Kind::gone, "the space takes no more deliveries");
  const auto& limits = drop.limits;
  if (limits.max_files != 0 && sources.sources.size() > limits.max_files)
    return fail(Kind::too_large, "the space takes " + std::to_string(limits.max_files) + " more files, not " +
                                     std::to_string(sources.sources.size()));
  if (limits.max_size != 0 && sources.known_bytes > limits.max_size)
    return fail(Kind::too_large, "the space takes " + format_size(limits.max_size) + " more, not " +
                                     format_size(sources.known_bytes));
  return {};
}

Result<SentDelivery> Sender::send(const SourceList& sources) { return impl_->send(sources); }

void Sender::interrupt() { impl_->options.client.interrupt->raise(); }

}  // namespace qrx::transfer
