#include "cli/share/share_report.h"

#include <algorithm>

#include "base/clock.h"
#include "cli/places.h"

namespace qrx::cli {

Result<void> ShareReport::say(const Guid& space, const RecipientRow& row) {
  const std::string to = wire::to_text(row.to);
  const std::string state(wire::to_text(row.share.state));
  const std::string& reason = row.share.reason;
  const std::string line = to + "\t" + state + "\t" + row.link;
  if (auto told = say_fetching(space, row); !told) return told;
  std::string& said = said_[row.share.share];
  if (said == line + reason) return {};
  // Said already: --watch asks again and again, and most rows do not change.
  said = line + reason;
  if (stdout_.json()) {
    Event event("share");
    event.text("space", space.text()).text("share", row.share.share.text()).text("to", to);
    event.text("state", state).text("reason", reason).text("link", row.link).text("via", to_text(row.notifier));
    event.number("downloads", row.share.downloads).number("limit", row.share.limit);
    return stdout_.event(event.text("expires", to_rfc3339(row.share.expires)));
  }
  // Those whom nobody could tell have one warning together.
  if (is_trouble(row) && row.undeliverable.empty() && !reason.empty()) messages_.warn(to + ": " + reason);
  return silent_ ? Result<void>() : stdout_.line(line);
}

Result<void> ShareReport::say_fetching(const Guid& space, const RecipientRow& row) {
  if (!stdout_.json() || !row.share.fetching) return {};
  const auto [known, is_new] = fetching_.try_emplace(row.share.share, *row.share.fetching);
  if (!is_new && known->second == *row.share.fetching) return {};
  known->second = *row.share.fetching;
  Event event("fetching");
  event.text("space", space.text()).text("share", row.share.share.text()).text("to", wire::to_text(row.to));
  return stdout_.event(event.number("bytes", known->second.bytes).number("total", known->second.total));
}

Result<void> ShareReport::say_all(const Guid& space, const std::vector<RecipientRow>& rows) {
  for (const RecipientRow& row : rows)
    if (auto said = say(space, row); !said) return said;
  return {};
}

Result<void> ShareReport::say_expected(const wire::Recipient& to, const RecipientRow* known, Notifier notifier) {
  const std::string who = wire::to_text(to);
  const std::string state = known ? std::string(wire::to_text(known->share.state)) : "new";
  const std::string link = known ? known->link : "-";
  if (!stdout_.json()) return stdout_.line(who + "\t" + state + "\t" + link);
  Event event("share");
  event.text("to", who).text("state", state).text("link", link).text("via", to_text(notifier));
  return stdout_.event(event);
}

void ShareReport::warn_of_undeliverable(const std::vector<RecipientRow>& rows) {
  // By reason: a hundred recipients without mail are one warning.
  std::map<std::string, std::size_t> reasons;
  for (const RecipientRow& row : rows)
    if (!row.undeliverable.empty()) ++reasons[row.undeliverable];
  for (const auto& [reason, count] : reasons)
    messages_.warn(
        (count == 1 ? "1 recipient was not notified: " : std::to_string(count) + " recipients were not notified: ") +
            reason,
        "deliver the links yourself, or configure a transport such as [notify.mail] in " + config_path() +
            " or on the server: qrx-serve.toml(5)");
}

Result<void> ShareReport::say_done(const std::vector<RecipientRow>& rows) {
  const auto failed = static_cast<std::uint64_t>(std::count_if(rows.begin(), rows.end(), is_trouble));
  return stdout_.event(Event("done").number("recipients", rows.size()).number("failed", failed));
}

std::string percent_of(const wire::Fetching& fetching) {
  const double part =
      fetching.total == 0 ? 0 : static_cast<double>(fetching.bytes) / static_cast<double>(fetching.total);
  return std::to_string(static_cast<int>(part * 100)) + " %";
}

std::vector<ShareLine> table_of(const std::vector<RecipientRow>& rows) {
  std::vector<ShareLine> lines;
  for (const RecipientRow& row : rows) {
    const wire::ShareInfo& share = row.share;
    std::string detail = share.downloads > 1 ? std::to_string(share.downloads) + " times" : share.reason;
    if (share.fetching) detail += (detail.empty() ? "" : ", ") + percent_of(*share.fetching);
    lines.push_back({wire::to_text(row.to), std::string(wire::to_text(share.state)), std::move(detail)});
  }
  return lines;
}

}  // namespace qrx::cli
