#include "serve/operations/outbox.h"

#include <algorithm>
#include <system_error>

#include "base/random.h"
#include "base/thrown.h"
#include "base/units.h"
#include "notify/settings.h"
#include "wire/recipient.h"

namespace qrx::serve {
namespace {

using notify::Outcome;
using wire::ShareState;

constexpr Millis longest_rest{15'000};  // between two looks at what is due
constexpr Millis look_after_every{60'000};
constexpr Seconds longest_retry_after{24 * 3600};

ShareState state_of(Outcome::State state) {
  switch (state) {
    case Outcome::State::sent:
      return ShareState::sent;
    case Outcome::State::failed:
      return ShareState::failed;
    case Outcome::State::later:
      return ShareState::queued;
    case Outcome::State::unknown:
      break;
  }
  return ShareState::unknown;
}

std::string short_id(const space::Shares::Claim& claim) {
  return claim.notice.share.text().substr(0, 6);
}

std::string summary(const space::Shares::Claim& claim) {
  if (claim.files == 0) return {};
  return std::to_string(claim.files) + (claim.files == 1 ? " file, " : " files, ") + format_size(claim.bytes);
}

}  // namespace

space::SharePolicy policy_of(const notify::Settings& settings) {
  space::SharePolicy policy;
  using Texts = std::map<std::string, std::string>;
  const auto number = [](const Texts& table, const char* key, std::uint64_t& limit) {
    if (const auto found = table.find(key); found != table.end())
      limit = std::stoull(found->second);  // checked: digits
  };
  number(settings.limits, "recipients", policy.recipients);
  number(settings.limits, "per_space", policy.notices_a_space);
  number(settings.limits, "per_day", policy.notices_a_day);
  number(settings.limits, "per_recipient", policy.notices_a_recipient);
  number(settings.limits, "per_country", policy.notices_a_country);
  for (const auto& [name, table] : settings.transports) {
    if (table.contains("per_day")) number(table, "per_day", policy.notices_a_transport[name]);
    if (table.contains("per_recipient")) number(table, "per_recipient", policy.notices_a_recipient_by[name]);
    if (const auto countries = table.find("countries"); countries != table.end())
      for (std::string country : notify::list_of(countries->second)) {
        std::erase(country, '+');
        policy.countries.push_back(std::move(country));
      }
  }
  return policy;
}

Millis Outbox::pause(std::uint64_t attempts, std::optional<Seconds> retry_after, const OutboxOptions& options) {
  Millis base = options.first_retry;
  for (std::uint64_t i = 1; i < attempts && base < options.longest_retry; ++i) base *= 2;
  base = std::min(base, options.longest_retry);
  const auto bytes = random_bytes<2>();
  const std::int64_t chance = bytes[0] << 8 | bytes[1];  // of 65536
  // From half to one and a half times the base: many notices that failed together do not come back together.
  const Millis own = base / 2 + Millis(base.count() * chance / 65536);
  if (!retry_after) return own;
  // Not all at the very second that was named, and never earlier.
  const Millis asked = std::clamp(*retry_after, Seconds(0), longest_retry_after);
  return std::max(asked, std::min(own, asked + Millis(1000))) + Millis(1000 * chance / 65536);
}

Outbox::Outbox(space::Shares& shares, wire::Origin base, Clock& clock, const Log& log,
               const std::function<Sender()>& make, OutboxOptions options)
    : shares_(shares),
      base_(std::move(base)),
      clock_(clock),
      log_(log),
      options_(options),
      looked_after_(clock.steady()) {
  for (unsigned i = 0; i < options_.threads; ++i) senders_.push_back(make());
  try {
    for (const Sender& sender : senders_) threads_.emplace_back([this, &sender] { run(sender); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;
  }
}

void Outbox::begin_stop() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(stopping_, true)) stop_at_ = std::chrono::steady_clock::now() + options_.stop_time;
  changed_.notify_all();
}

Outbox::~Outbox() {
  begin_stop();
  std::unique_lock lock(mutex_);
  // A mail in the middle of its delivery gets time to end well: cut off, nobody knows whether it went out.
  if (!changed_.wait_until(lock, stop_at_, [this] { return sending_ == 0; }))
    for (const Sender& sender : senders_)
      if (sender.interrupt) sender.interrupt();
  lock.unlock();
  for (std::thread& thread : threads_) thread.join();
  (void)shares_.purge();
}

void Outbox::wake() {
  const std::lock_guard lock(mutex_);
  ++wakes_;
  changed_.notify_all();
}

std::string Outbox::busy_transports() const {
  std::string out = " ";
  for (const auto& [transport, sending] : busy_)
    if (sending >= options_.at_once_by_transport) out += transport + ' ';
  return out;
}

// One thread claims at a time, so that the busy transports which it names are so still. The catalog is asked without
// mutex_: wake() never waits for the disk.
std::optional<space::Shares::Next> Outbox::claim(std::uint64_t& seen) {
  const std::lock_guard claiming(claim_mutex_);
  std::unique_lock lock(mutex_);
  if (stopping_) return std::nullopt;
  // Before the look at the catalog: a notice that is queued after it makes run() look again instead of resting.
  seen = wakes_;
  const std::string busy = busy_transports();
  lock.unlock();
  auto claimed = catching([&] { return shares_.claim(busy); });
  if (!claimed) {
    log_.error("the outbox cannot be read", {{"reason", claimed.error().what}});
    return space::Shares::Next{};
  }
  if (claimed->claim) {
    lock.lock();
    ++busy_[claimed->claim->notice.transport];
    ++sending_;
  }
  return std::move(*claimed);
}

void Outbox::release(const std::string& transport) {
  const std::lock_guard lock(mutex_);
  if (--busy_[transport] == 0) busy_.erase(transport);
  --sending_;
  ++wakes_;  // the transport has room again
  changed_.notify_all();
}

void Outbox::run(const Sender& sender) {
  for (;;) {
    std::uint64_t seen = 0;
    const auto next = claim(seen);
    if (!next) return;
    if (next->claim) {
      // What is thrown on the way concerns this notice: the others go out.
      if (auto sent = catching([&] { send(sender, *next->claim); }); !sent)
        log_.error("a notice was given up", {{"share", short_id(*next->claim)}, {"reason", sent.error().what}});
      release(next->claim->notice.transport);
      continue;
    }
    if (auto looked = catching([this] { look_after(); }); !looked)
      log_.error("the outbox cannot be looked after", {{"reason", looked.error().what}});
    Millis rest = longest_rest;
    if (next->due) rest = std::clamp(*next->due - clock_.wall(), Millis(1), longest_rest);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, rest, [&] { return stopping_ || wakes_ != seen; });
    if (stopping_) return;
  }
}

void Outbox::send(const Sender& sender, const space::Shares::Claim& claim) {
  Outcome outcome{Outcome::State::failed, "the recipient is no longer a valid address", {}};
  if (const auto to = wire::parse_recipient(claim.to)) {
    notify::Notice notice;
    notice.id = claim.notice.share;
    notice.to = *to;
    notice.from = claim.label;
    notice.message = claim.message;
    notice.link = wire::ShareLink{base_, claim.notice.token, claim.notice.key}.text();
    notice.summary = summary(claim);
    notice.expires = claim.expires;
    if (auto sent = catching([&]() -> Result<Outcome> { return sender.send(notice); })) {
      outcome = std::move(*sent);
    } else {  // whether it went out is not known: it is not sent twice
      outcome = {Outcome::State::unknown, sent.error().what, {}};
      log_.error("a notice was given up", {{"share", short_id(claim)}, {"reason", sent.error().what}});
    }
  }
  space::Shares::Ending ending{state_of(outcome.state), outcome.reason, {}};
  if (ending.state == ShareState::queued)
    ending.retry_at = clock_.wall() + pause(claim.notice.attempts, outcome.retry_after, options_);
  // Should this fail, the claim stays, and the next start says "unknown": never sent twice.
  const auto recorded = shares_.conclude(claim.notice.share, ending);
  const std::string share = short_id(claim);
  if (!recorded)
    log_.error("cannot record the result of a notice", {{"share", share}, {"reason", recorded.error().what}});
  log_.request("notice", {{"share", share},
                          {"transport", claim.notice.transport},
                          {"outcome", std::string(to_text(ending.state))},
                          {"attempt", std::to_string(claim.notice.attempts)}});
}

// What is to be done now and then, by whoever has nothing to send.
void Outbox::look_after() {
  (void)shares_.purge();
  {
    const std::lock_guard lock(mutex_);
    const Steady now = clock_.steady();
    if (now - looked_after_ < look_after_every) return;
    looked_after_ = now;
  }
  // Should it fail, the next minute tries again.
  (void)shares_.end_stale_claims();
}

}  // namespace qrx::serve
