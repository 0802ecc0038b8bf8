#include "cli/share/share_watch.h"

#include <algorithm>

namespace qrx::cli {
namespace {

// The server waits 60 s at most, and proxies often end silent requests after that.
constexpr Seconds longest_poll{55};
// How far a download is makes no change that the server would answer for: it is looked at.
constexpr Seconds moving_poll{1}, many_poll{5}, idle_poll{10};
constexpr std::size_t many_rows = 50;
constexpr Seconds idle_after{10};

bool is_waited_for(const RecipientRow& row, bool used_up) {
  if (row.share.state == wire::ShareState::revoked) return false;
  if (used_up && row.share.limit > 0) return row.share.downloads < row.share.limit;
  return row.share.state != wire::ShareState::downloaded;
}

// The lock is that of the code's screen (ShareCode), when there is one: a resize draws it meanwhile.
Result<void> say(const Guid& space, RecipientRows& rows, ShareReport& report, const WatchHow& how) {
  std::unique_lock<std::mutex> lock;
  if (how.screen) lock = std::unique_lock(*how.screen);
  if (how.changed) how.changed(rows.all());
  return how.lines ? report.say_all(space, rows.all()) : Result<void>();
}

// Until the last of those that are waited for, by this machine's clock.
std::optional<Seconds> until_all_expired(const std::vector<RecipientRow>& rows) {
  const WallTime now = system_clock().wall();
  std::optional<Seconds> longest;
  for (const RecipientRow& row : rows)
    if (is_waited_for(row, true))
      longest = std::max(longest.value_or(Seconds{0}), std::chrono::ceil<Seconds>(row.share.expires - now));
  return longest;
}

// How long to wait for the next answer.
class Pace {
 public:
  Seconds next(const std::vector<RecipientRow>& rows) {
    bool any = false;
    std::uint64_t bytes = 0;
    for (const RecipientRow& row : rows) {
      if (!row.share.fetching) continue;
      any = true;
      bytes += row.share.fetching->bytes + 1;
    }
    if (!any) return longest_poll;
    const Steady now = system_clock().steady();
    if (bytes != bytes_) moved_ = now;
    bytes_ = bytes;
    if (now - moved_ >= idle_after) return idle_poll;
    return rows.size() > many_rows ? many_poll : moving_poll;
  }

 private:
  std::uint64_t bytes_ = 0;
  Steady moved_{};
};

}  // namespace

Result<void> watch_shares(const Guid& space, RecipientRows& rows, ShareReport& report, const WatchHow& how) {
  std::optional<Steady> deadline;
  if (how.timeout) deadline = system_clock().steady() + *how.timeout;
  Pace pace;
  for (;;) {
    if (auto said = say(space, rows, report, how); !said) return said;
    const auto& all = rows.all();
    if (std::none_of(all.begin(), all.end(), [&](const auto& row) { return is_waited_for(row, how.used_up); }))
      return {};
    Seconds wait = pace.next(all);
    // With limits the end is known: then, or when they expire.
    if (how.used_up) {
      const Seconds left = until_all_expired(all).value_or(wait);
      if (left <= Seconds{0}) return fail(Kind::timed_out, "the link has expired before everyone had downloaded");
      wait = std::min(wait, left);
    }
    if (deadline) wait = std::min(wait, std::chrono::ceil<Seconds>(*deadline - system_clock().steady()));
    if (wait <= Seconds{0}) return fail(Kind::timed_out, "timed out: not everyone has downloaded");
    auto waited = rows.wait(wait);
    const bool gone = !waited && (waited.error().kind == Kind::not_found || waited.error().kind == Kind::gone);
    if (gone && how.used_up) return fail(Kind::timed_out, "the link has expired before everyone had downloaded");
    if (!waited) return waited;
  }
}

}  // namespace qrx::cli
