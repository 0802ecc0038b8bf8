// The [notify.NAME] tables of a configuration (qrx-serve.toml(5)) and the check of them at start: one list of the keys
// that each may have. Transports read theirs through notify/transport_table.h.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/recipient.h"

namespace qrx::notify {

// The [notify.NAME] tables of a configuration file, as they stand there; numbers and booleans as text, lists as one
// text with newlines between the items. Commands that were named "exec.NAME" there have their other keys under that
// name.
struct Settings {
  std::map<std::string, std::map<std::string, std::string>> transports;
  bool private_addresses = false;  // [notify] allow_private: hooks may go to addresses that are not public
  // [notify] allow_private as a list: only to these addresses that are not public.
  std::vector<std::string> allowed_networks;
  // [notify] recipients, per_space, per_day, ...: the server's, no transport reads them.
  std::map<std::string, std::string> limits;
  std::map<std::string, std::vector<std::string>> commands;  // [notify.exec.NAME] command = ["/path", "arg"]
};

// Kind::usage for a table or key that does not exist, a key that is missing, a value that cannot be; the sentence names
// table and key: "notify.mail: unknown key frm". Files and hosts are not looked at.
Result<void> check_settings(const Settings& settings);

// Is it one of the keys of [notify] itself that limit what a server sends?
bool is_limit(std::string_view key);

// The table is there and is not switched off by enabled = false. Exec is on when a command is.
bool is_on(const Settings& settings, wire::Channel channel);

// Lists stand in Settings as one text, their items apart by newlines.
std::vector<std::string> list_of(std::string_view text);

}  // namespace qrx::notify
