// Who tells recipients that they have a link: the server by its transports, this machine by its own, or nobody. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/share/recipient_rows.h"
#include "notify/courier.h"
#include "wire/recipient.h"

namespace qrx::cli {

class NotifierChoice {
 public:
  // `via` is --via: "server", "local", or empty: the server, and this machine for those whom the server cannot tell.
  // `here`: the transports of this machine; outlives it.
  NotifierChoice(std::string via, const notify::Settings& here) : via_(std::move(via)), here_(here) {}

  // For links with a key the default is this machine, unless the server may have the key too.
  bool ask_server(bool key_in_links, bool key_for_server) const;

  enum class Server : std::uint8_t { not_asked, refuses, tells };
  // Of rows as the server has answered; sets `notifier`, or `undeliverable` where nobody can tell one who is to be
  // told.
  void assign(std::vector<RecipientRow>& rows, Server server) const;

  // Which commands a server has is told only by its failing: those that this machine has too are for `local` then.
  // Which rows these are.
  std::vector<std::size_t> take_over(std::vector<RecipientRow>& rows) const;

  // For a dry run, where the server is not asked.
  Notifier expected(const wire::Recipient& to, bool asks_server) const;

 private:
  void assign(RecipientRow& row, Server server) const;

  std::string via_;
  const notify::Settings& here_;
};

}  // namespace qrx::cli
