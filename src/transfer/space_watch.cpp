#include "transfer/space_watch.h"

#include <algorithm>

#include "transfer/refusals.h"

namespace qrx::transfer {
namespace {

using std::chrono::steady_clock;

constexpr Seconds longest_wait{50};      // the server waits 60 s at most; proxies often end silent requests after 60 s
constexpr Millis pause_when_large{500};  // states of a space with thousands of files are megabytes
constexpr std::size_t large_files = 2000;
constexpr Millis even_pace{250};  // between requests, in the long run; honest servers answer when something happened
constexpr int burst = 8;          // so many may come at once

}  // namespace

Watch::Watch(const ReceiveJob& job) : job_(job), client_(job.link, job.options.client) {
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

Result<wire::SpaceInfo> Watch::next() {
  Patience patience = job_.patience();
  for (;;) {
    Millis left = longest_wait;
    if (deadline_) {
      left = std::chrono::ceil<Millis>(*deadline_ - steady_clock::now());
      if (seq_ && left <= Millis{0}) return fail(Kind::timed_out, "timed out: nothing arrived");
    }
    if (seq_) {
      const Millis time = job_.options.interval ? *job_.options.interval : large_ ? pause_when_large : Millis{0};
      if (!pause(job_.interrupt, std::min(std::max(time, pace()), left))) return fail(Kind::unavailable, "interrupted");
    }
    const bool waits = seq_ && !job_.options.interval;
    const Seconds wait = std::clamp(std::chrono::ceil<Seconds>(left), Seconds{1}, longest_wait);
    auto info = waits ? client_.space(seq_, wait) : client_.space();
    if (!info) {
      const auto asked = client_.asked_pause();
      client_.close();
      if (auto go_on = patience.wait(info.error(), asked); !go_on) return tl::unexpected(go_on.error());
      continue;
    }
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

}  // namespace qrx::transfer
