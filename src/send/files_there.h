// The files that a server has of a delivery, by their names.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire/messages.h"

namespace qrx::send {

class FilesThere {
 public:
  // `files` must outlive it.
  explicit FilesThere(const std::vector<wire::ReceivedFile>& files) {
    for (const auto& file : files) by_name_.emplace(file.name, &file);
  }

  const wire::ReceivedFile* find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  bool has(const wire::ReceivedFile& file) const {  // with this size and sum
    const auto* there = find(file.name);
    return there != nullptr && *there == file;
  }

 private:
  std::unordered_map<std::string_view, const wire::ReceivedFile*> by_name_;
};

}  // namespace qrx::send
