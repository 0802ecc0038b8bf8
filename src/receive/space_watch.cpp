#include "receive/space_watch.h"

#include <algorithm>
#include <utility>

#include "api/refusals.h"

namespace qrx::receive {
namespace {

using std::chrono::steady_clock;

constexpr Seconds longest_wait{50};      // the server waits 60 s at most; proxies often end silent requests after 60 s
constexpr Millis pause_when_large{500};  // states of a space with thousands of files are megabytes
constexpr std::size_t large_files = 2000;
constexpr Millis even_pace{250};  // between requests, in the long run; honest servers answer when something happened
constexpr int burst = 8;          // so many may come at once
constexpr Millis last_answer{2'000};  // beyond the timeout, for the answer that tells whether something came meanwhile

// A timeout shortens what downloads wait for; here it is kept by the deadline.
http::ClientOptions with_waits(http::ClientOptions client, bool timeout) {
  // Receiver makes them shorter than the server's wait, which they would cut off.
  if (timeout)
    client.answer_time = client.stall_time = std::max<Millis>(client.answer_time, longest_wait + last_answer);
  return client;
}

}  // namespace

SpaceWatch::SpaceWatch(const ReceiveJob& job)
    : job_(job), client_(job.link, with_waits(job.options.client, job.options.timeout.has_value())) {
  delivered();
}

void SpaceWatch::delivered() {
  if (job_.options.timeout) deadline_ = steady_clock::now() + *job_.options.timeout;
}

// At most some requests a second, whatever the server answers.
Millis SpaceWatch::even_pause() {
  const Steady now = steady_clock::now();
  // A bucket of `burst` requests that fills at even_pace: a server that answers each wait at once (an error in it, a
  // proxy that ignores `wait`) is not asked in a busy loop.
  next_ = std::max(next_, now - burst * even_pace) + even_pace;
  return std::max(Millis{0}, std::chrono::ceil<Millis>(next_ - now));
}

// Trouble of network or server is ridden out, but not beyond the timeout.
api::Backoff SpaceWatch::backoff() const {
  api::RetryPolicy policy = job_.options.retry;
  if (deadline_)
    policy.give_up = std::clamp(std::chrono::ceil<Millis>(*deadline_ - steady_clock::now()), Millis{0}, policy.give_up);
  return job_.backoff(policy);
}

Result<api::SpaceContents> SpaceWatch::next() {
  api::Backoff backoff = this->backoff();
  auto info = api::retry(
      client_, backoff, [this] { return ask(); },
      [&](const Error& error, api::Asked asked) -> Result<api::Next> {
        auto go_on = backoff.wait(error, asked);
        if (!go_on && deadline_ && api::is_temporary(error.kind) && !job_.interrupt.raised())
          return fail(Kind::timed_out, "timed out: " + error.what);
        if (!go_on) return tl::unexpected(go_on.error());
        troubled_ = true;
        return api::Next::at_once;
      });
  if (!info) return info;
  // An empty text takes the line about trouble away.
  if (std::exchange(troubled_, false)) job_.tally.retrying({});
  look_at(*info);
  return info;
}

// One request, when it is due.
Result<api::SpaceContents> SpaceWatch::ask() {
  Millis left = longest_wait;
  if (deadline_) {
    left = std::chrono::ceil<Millis>(*deadline_ - steady_clock::now());
    // Not before the first look: with --timeout 0 what is there is still taken.
    if (looked_ && left <= Millis{0}) return fail(Kind::timed_out, "timed out: nothing arrived");
    // Once for the whole request: a server that drips, is silent or ignores `wait` does not put it off.
    client_.set_deadline(*deadline_ + last_answer);
  }
  if (looked_) {
    const Millis time = job_.options.interval ? *job_.options.interval : large_ ? pause_when_large : Millis{0};
    if (!api::sleep_interruptible(job_.interrupt, std::min(std::max(time, even_pause()), left)))
      return fail(Kind::unavailable, "interrupted");
  }
  // Not with an interval: whoever set one does not want requests that stay open.
  const bool waits = looked_ && !job_.options.interval;
  const Seconds wait = std::clamp(std::chrono::ceil<Seconds>(left), Seconds{1}, longest_wait);
  return waits ? client_.space(seq_, wait) : client_.space();
}

void SpaceWatch::look_at(const api::SpaceContents& info) {
  looked_ = true;
  seq_ = info.seq;
  std::uint64_t uploaded = 0;
  // +1: a new upload of no bytes is something that comes in, too.
  for (const auto& upload : info.uploads) uploaded += upload.offset + 1;
  // Bytes that come in at the server put the timeout off.
  if (uploaded != uploaded_) delivered();
  uploaded_ = uploaded;
  std::size_t files = 0;
  for (const auto& delivery : info.deliveries) files += delivery.files.size();
  large_ = files > large_files;
}

}  // namespace qrx::receive
