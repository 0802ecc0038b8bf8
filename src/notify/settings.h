// What the [notify.NAME] tables of a configuration may say (qrx-serve.toml(5)): one list of the keys, for the check at
// start and for the transports that read them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "notify/courier.h"

namespace qrx::notify {

// Kind::usage for a table or key that does not exist, a key that is missing, a value that cannot be; the sentence names
// table and key: "notify.mail: there is no key frm". Files and hosts are not looked at.
Result<void> check_settings(const Settings& settings);

// Is it one of the keys of [notify] itself that limit what a server sends?
bool is_limit(std::string_view key);

// The table is there and is not switched off by enabled = false. Exec is on when a command is.
bool is_on(const Settings& settings, wire::Channel channel);

// Lists stand in Settings as one text, their items apart by newlines.
std::vector<std::string> list_of(std::string_view text);

// One table, as its transport reads it; check_settings() has passed.
class Table {
 public:
  Table(const Settings& settings, std::string name);
  const std::string& name() const { return name_; }
  bool has(const std::string& key) const { return values_.count(key) > 0; }
  std::string text(const std::string& key, std::string_view otherwise = {}) const;
  bool truth(const std::string& key, bool otherwise) const;
  Seconds seconds(const std::string& key, Seconds otherwise) const;
  std::vector<std::string> list(const std::string& key) const { return list_of(text(key)); }
  std::string path(const std::string& key) const;  // with the home for ~/; "" when there is no such key
  // The first line of the file that the key names, without blanks at its ends; "" when there is no such key.
  // Kind::denied when others than its owner may read or write the file: then it keeps no secret.
  Result<std::string> secret(const std::string& key) const;

 private:
  std::string name_;
  std::map<std::string, std::string> values_;
};

}  // namespace qrx::notify
