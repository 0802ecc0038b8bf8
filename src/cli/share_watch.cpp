#include "cli/share_watch.h"

#include <algorithm>

namespace qrx::cli {
namespace {

constexpr Seconds longest_poll{55};

bool is_waited_for(const RecipientRow& row) {
  return row.share.state != wire::ShareState::downloaded && row.share.state != wire::ShareState::revoked;
}

}  // namespace

Result<void> watch_shares(const Guid& space, RecipientRows& rows, ShareReport& report, bool lines, LiveTable& table,
                          std::optional<Seconds> timeout) {
  std::optional<Steady> deadline;
  if (timeout) deadline = std::chrono::steady_clock::now() + *timeout;
  for (;;) {
    if (table.shown()) table.draw(table_of(rows.all()));
    if (lines)
      if (auto said = report.say_all(space, rows.all()); !said) return said;
    if (std::none_of(rows.all().begin(), rows.all().end(), is_waited_for)) return {};
    Seconds wait = longest_poll;
    if (deadline) wait = std::min(wait, std::chrono::ceil<Seconds>(*deadline - std::chrono::steady_clock::now()));
    if (wait <= Seconds{0}) return fail(Kind::timed_out, "not everyone has downloaded in time");
    if (auto waited = rows.wait(wait); !waited) return waited;
  }
}

}  // namespace qrx::cli
