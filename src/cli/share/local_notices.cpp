#include "cli/share/local_notices.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <system_error>
#include <thread>

#include "api/retry.h"
#include "base/thrown.h"
#include "base/units.h"
#include "cli/counts.h"
#include "cli/places.h"
#include "cli/share/send_claims.h"
#include "process/find_program.h"

namespace qrx::cli {
namespace {

// Each has a helper process: more of them would bring little, since services limit how often they are asked.
constexpr std::size_t most_at_once = 4;
constexpr int most_attempts = 3;
// The longest pause before trying again: when more is asked for the notice fails, and the next run tries again.
constexpr Seconds longest_wait{20};

}  // namespace

Result<std::function<SendNotice()>> couriers(const notify::Settings& transports) {
  auto helper = process::find_own_program("qrx-notify");
  if (!helper) return tl::unexpected(helper.error());
  // Each thread its own: a courier serves one at a time.
  return [helper = std::move(*helper), &transports]() -> SendNotice {
    auto courier = std::make_shared<notify::Courier>(helper, transports);
    return [courier](const notify::Notice& notice) { return courier->send(notice); };
  };
}

LocalNotices::LocalNotices(const Guid& space, ReportNotice report, std::function<SendNotice()> make_send,
                           const http::Interrupt& interrupt)
    : space_(space), report_(std::move(report)), make_send_(std::move(make_send)), interrupt_(interrupt) {}

Result<void> LocalNotices::send(const std::vector<notify::Notice>& notices, const Ended& ended) {
  std::atomic<std::size_t> next{0};
  std::optional<Error> trouble;
  const auto send_some = [&] {
    const SendNotice send = make_send_();
    for (std::size_t at = next++; at < notices.size(); at = next++) {
      Result<std::optional<wire::ShareInfo>> recorded = fail(Kind::unavailable, "interrupted");
      if (!interrupt_.raised()) recorded = claim_and_send(send, notices[at]);
      // `ended` prints and keeps the order: one at a time. mutex_ also guards trouble and the reports.
      const std::lock_guard lock(mutex_);
      const auto done = recorded ? ended(at, std::move(*recorded)) : tl::unexpected(recorded.error());
      if (done) continue;
      if (!trouble) trouble = done.error();
      // The others take nothing more.
      next = notices.size();
    }
  };
  const auto work = [&] {
    // What is thrown on a thread must not end the program.
    const auto worked = catching(send_some);
    if (worked) return;
    const std::lock_guard lock(mutex_);
    if (!trouble) trouble = worked.error();
    next = notices.size();
  };
  // Most of the time of a notice is waiting for the other side.
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(most_at_once, notices.size()); ++i) {
    try {
      others.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // fewer will do
    }
  }
  work();
  for (std::thread& other : others) other.join();
  if (trouble) return tl::unexpected(*trouble);
  return {};
}

Result<std::optional<wire::ShareInfo>> LocalNotices::claim_and_send(const SendNotice& send,
                                                                    const notify::Notice& notice) {
  // The claim on this machine first: two runs here must not both ask the server.
  auto claim = SendClaim::begin(space_, notice.id);
  if (!claim && claim.error().kind == Kind::locked) return std::nullopt;
  if (!claim) return tl::unexpected(claim.error());

  // Then the claim at the server, against other machines. Whoever has both sends; they are recorded before the notice
  // leaves, so that a crash in between can be told from "not sent".
  const auto claimed = report(notice.id, wire::ShareState::sending, {});
  if (!claimed && claimed.error().kind == Kind::conflict) {
    claim->end();
    return std::nullopt;
  }
  if (!claimed) {
    claim->note("failed");  // nothing was sent, but the server may hold our claim: the next run takes it back
    return tl::unexpected(claimed.error());
  }

  const notify::Outcome outcome = try_to_send(send, notice);
  wire::ShareState state = wire::ShareState::failed;
  if (outcome.state == notify::Outcome::State::sent) state = wire::ShareState::sent;
  if (outcome.state == notify::Outcome::State::unknown) state = wire::ShareState::unknown;
  // On this machine before the server is told: if the latter fails, the next run reports it.
  if (state != wire::ShareState::unknown) claim->note(wire::to_text(state));

  auto recorded = report(notice.id, state, outcome.reason);
  // A conflict: revoked meanwhile, or known better.
  if (!recorded && recorded.error().kind != Kind::conflict)
    return tl::unexpected(recorded.error());  // the file stays for the next run
  claim->end();
  return recorded ? std::optional(std::move(*recorded)) : std::nullopt;
}

notify::Outcome LocalNotices::try_to_send(const SendNotice& send, const notify::Notice& notice) const {
  Seconds pause{1};
  for (int attempt = 1;; ++attempt) {
    notify::Outcome outcome = send(notice);
    if (outcome.state != notify::Outcome::State::later) return outcome;
    const Seconds wait = std::max(pause, outcome.retry_after.value_or(Seconds{0}));
    if (attempt == most_attempts || wait > longest_wait ||
        !api::sleep_interruptible(interrupt_, std::chrono::duration_cast<Millis>(wait))) {
      outcome.state = notify::Outcome::State::failed;
      return outcome;
    }
    // 1 s, 3 s, 9 s
    pause *= 3;
  }
}

Result<wire::ShareInfo> LocalNotices::report(const Id& share, wire::ShareState state, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  return report_(share, {state, reason});
}

Result<void> settle_left_claims(const Guid& space, const ReportNotice& report) {
  auto left_here = left_claims(space);
  if (!left_here) return tl::unexpected(left_here.error());
  for (LeftClaim& left : *left_here) {
    // Without a note the run ended between claiming and noting the outcome: nobody knows whether it was sent.
    wire::ReportShare how{wire::ShareState::unknown, "qrx-share ended before it recorded the result"};
    if (left.outcome == "sent") how = {wire::ShareState::sent, {}};
    if (left.outcome == "failed") how = {wire::ShareState::failed, "qrx-share ended before it recorded why"};
    const auto recorded = report(left.share, how);
    // Known better by now, revoked, or gone with its link.
    const bool settled =
        recorded || recorded.error().kind == Kind::conflict || recorded.error().kind == Kind::not_found;
    if (!settled) return tl::unexpected(recorded.error());
    // Only when the server has it.
    left.forget();
  }
  return {};
}

std::string summary_of(const wire::SpaceInfo& space) {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  for (const auto& delivery : space.deliveries) {
    for (const auto& file : delivery.files) {
      if (file.name == wire::manifest_name) continue;
      ++files;
      bytes += file.size;
    }
  }
  return count_of_files(files) + ", " + format_size(bytes);
}

notify::Notice notice_of(const RecipientRow& row, const wire::SpaceInfo& space, const std::string& message) {
  notify::Notice notice;
  notice.id = row.share.share;
  notice.to = row.to;
  notice.from = space.label;
  notice.message = message;
  notice.link = row.link;
  notice.summary = summary_of(space);
  notice.expires = row.share.expires;
  return notice;
}

}  // namespace qrx::cli
