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
  if (timeout)
    client.answer_time = client.stall_time = std::max<Millis>(client.answer_time, longest_wait + last_answer);
  return client;
}

}  // namespace

Watch::Watch(const ReceiveJob& job)
    : job_(job), client_(job.link, with_waits(job.options.client, job.options.timeout.has_value())) {
  delivered();
}

void Watch::delivered() {
  if (job_.options.timeout) deadline_ = steady_clock::now() + *job_.options.timeout;
}

Millis Watch::pace() {
  const Steady now = steady_clock::now();
  next_ = std::max(next_, now - burst * even_pace) + even_pace;
  return std::max(Millis{0}, std::chrono::ceil<Millis>(next_ - now));
}

// Trouble of network or server is ridden out, but not beyond the timeout.
api::Patience Watch::patience() const {
  api::PatienceLimits limits = job_.limits();
  if (deadline_)
    limits.give_up = std::clamp(std::chrono::ceil<Millis>(*deadline_ - steady_clock::now()), Millis{0}, limits.give_up);
  return api::Patience(job_.interrupt, limits, [this](const std::string& text) { job_.tally.retrying(text); });
}

Result<wire::SpaceInfo> Watch::next() {
  api::Patience patience = this->patience();
  for (;;) {
    Millis left = longest_wait;
    if (deadline_) {
      left = std::chrono::ceil<Millis>(*deadline_ - steady_clock::now());
      if (seq_ && left <= Millis{0}) return fail(Kind::timed_out, "timed out: nothing arrived");
      // Once for the whole request: a server that drips, is silent or ignores `wait` does not put it off.
      client_.set_deadline(*deadline_ + last_answer);
    }
    if (seq_) {
      const Millis time = job_.options.interval ? *job_.options.interval : large_ ? pause_when_large : Millis{0};
      if (!api::pause(job_.interrupt, std::min(std::max(time, pace()), left)))
        return fail(Kind::unavailable, "interrupted");
    }
    const bool waits = seq_ && !job_.options.interval;
    const Seconds wait = std::clamp(std::chrono::ceil<Seconds>(left), Seconds{1}, longest_wait);
    auto info = waits ? client_.space(seq_, wait) : client_.space();
    if (!info) {
      const auto asked = client_.asked_pause();
      client_.close();
      auto go_on = patience.wait(info.error(), asked);
      if (!go_on && deadline_ && api::is_temporary(go_on.error().kind) && !job_.interrupt.raised())
        return fail(Kind::timed_out, "timed out: " + go_on.error().what);
      if (!go_on) return tl::unexpected(go_on.error());
      troubled_ = true;
      continue;
    }
    if (std::exchange(troubled_, false)) job_.tally.retrying({});
    seq_ = info->seq;
    std::uint64_t uploaded = 0;
    for (const auto& upload : info->uploads) uploaded += upload.offset + 1;
    if (uploaded != uploaded_) delivered();
    uploaded_ = uploaded;
    std::size_t files = 0;
    for (const auto& delivery : info->deliveries) files += delivery.files.size();
    large_ = files > large_files;
    return info;
  }
}

}  // namespace qrx::receive
