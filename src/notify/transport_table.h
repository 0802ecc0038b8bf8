// One [notify.NAME] table of the configuration, as its transport reads it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "notify/settings.h"

namespace qrx::notify {

// REQUIRES: check_settings() has passed.
class Table {
 public:
  Table(const Settings& settings, std::string name);
  const std::string& name() const { return name_; }
  bool has(const std::string& key) const { return values_.count(key) > 0; }
  std::string text(const std::string& key, std::string_view otherwise = {}) const;
  bool truth(const std::string& key, bool otherwise) const;
  Seconds seconds(const std::string& key, Seconds otherwise) const;
  std::vector<std::string> list(const std::string& key) const;
  std::string path(const std::string& key) const;  // with the home for ~/; "" when there is no such key
  // The first line of the file that the key names, without blanks at its ends; "" when there is no such key.
  // Kind::denied when others than its owner may read or write the file: then it keeps no secret.
  Result<std::string> secret(const std::string& key) const;

 private:
  std::string name_;
  std::map<std::string, std::string> values_;
};

}  // namespace qrx::notify
