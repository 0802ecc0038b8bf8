// Records in files of the state directory: one JSON object each, whose members are texts, truths and numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/json_line.h"

namespace qrx::cli {

// {"v":1,…} in the order of the calls.
class JsonRecord {
 public:
  JsonRecord() { line_.number("v", 1); }
  JsonRecord& text(std::string_view name, std::string_view value);
  JsonRecord& truth(std::string_view name, bool value);
  JsonRecord& number(std::string_view name, std::uint64_t value);

  // Durable, mode 0600; a file that is there is replaced as a whole, or stays as it is.
  Result<void> write(const std::string& path) const;

 private:
  wire::JsonLine line_;
};

// What such a file says, whoever wrote it: it may be anything.
class RecordMembers {
 public:
  // Nothing when it is not there, longer than any record of ours, or no such object.
  static std::optional<RecordMembers> read(const std::string& path);

  std::string text(const std::string& name) const;  // empty when it is not there
  bool truth(const std::string& name) const;
  std::uint64_t number(const std::string& name) const;  // 0 unless it is one
  bool has(const std::string& name) const { return members_.contains(name); }

 private:
  explicit RecordMembers(std::map<std::string, std::string> members) : members_(std::move(members)) {}
  std::map<std::string, std::string> members_;
};

}  // namespace qrx::cli
