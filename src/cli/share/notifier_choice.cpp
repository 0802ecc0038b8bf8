#include "cli/share/notifier_choice.h"

#include "notify/settings.h"

namespace qrx::cli {

using wire::Channel;
using wire::ShareState;

bool NotifierChoice::ask_server(bool key_in_links, bool key_for_server) const {
  // A link without its key is enough only where nothing is sealed.
  return via_ == "server" || (via_.empty() && (!key_in_links || key_for_server));
}

void NotifierChoice::assign(std::vector<RecipientRow>& rows, Server server) const {
  for (RecipientRow& row : rows) assign(row, server);
}

void NotifierChoice::assign(RecipientRow& row, Server server) const {
  const Channel channel = row.to.channel;
  const bool is_queued = row.share.state == ShareState::queued;
  if (channel == Channel::link || (!is_queued && row.share.state != ShareState::failed)) return;
  if (server == Server::tells && is_queued)
    row.notifier = Notifier::server;
  else if (via_ != "server" && notify::is_on(here_, channel))
    row.notifier = Notifier::local;
  else if (server == Server::tells)
    row.notifier = Notifier::server;  // and it failed there: the server says why
  else if (server == Server::refuses)
    row.undeliverable = "the server sends no notices";
  else
    row.undeliverable = "sending " + std::string(wire::to_text(channel)) + " is not configured";
}

std::vector<std::size_t> NotifierChoice::take_over(std::vector<RecipientRow>& rows) const {
  std::vector<std::size_t> taken;
  // --via was given: no other way is wanted.
  if (!via_.empty()) return taken;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const wire::Recipient& to = rows[i].to;
    const bool failed_there = rows[i].notifier == Notifier::server && rows[i].share.state == ShareState::failed;
    const bool is_ours =
        to.channel == Channel::exec && here_.commands.count(to.address.substr(0, to.address.find(':'))) > 0;
    if (!failed_there || !is_ours) continue;
    rows[i].notifier = Notifier::local;
    taken.push_back(i);
  }
  return taken;
}

Notifier NotifierChoice::expected(const wire::Recipient& to, bool asks_server) const {
  if (to.channel == Channel::link) return Notifier::nobody;
  if (asks_server) return Notifier::server;
  return notify::is_on(here_, to.channel) ? Notifier::local : Notifier::nobody;
}

}  // namespace qrx::cli
