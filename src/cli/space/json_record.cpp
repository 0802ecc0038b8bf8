#include "cli/space/json_record.h"

#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/private_files.h"

namespace qrx::cli {
namespace {

constexpr std::uint64_t most_record_bytes = 64 * 1024;

}  // namespace

JsonRecord& JsonRecord::text(std::string_view name, std::string_view value) {
  line_.text(name, value);
  return *this;
}

JsonRecord& JsonRecord::truth(std::string_view name, bool value) {
  line_.boolean(name, value);
  return *this;
}

JsonRecord& JsonRecord::number(std::string_view name, std::uint64_t value) {
  line_.number(name, value);
  return *this;
}

Result<void> JsonRecord::write(const std::string& path) const {
  return replace_private_file(path, line_.line());
}

std::optional<RecordMembers> RecordMembers::read(const std::string& path) {
  const auto text = read_private_file(path, most_record_bytes);
  if (!text) return std::nullopt;
  auto members = wire::read_json_line(*text);
  if (!members) return std::nullopt;
  return RecordMembers({std::make_move_iterator(members->begin()), std::make_move_iterator(members->end())});
}

std::string RecordMembers::text(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? std::string() : found->second;
}

bool RecordMembers::truth(const std::string& name) const {
  return text(name) == "true";
}

std::uint64_t RecordMembers::number(const std::string& name) const {
  return std::strtoull(text(name).c_str(), nullptr, 10);
}

}  // namespace qrx::cli
