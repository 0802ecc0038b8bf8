// The four words that both ends show for one link, computed while other things happen: they take some 50 ms.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "wire/link.h"

namespace qrx::cli {

class LinkWords {
 public:
  explicit LinkWords(const wire::DropLink& link);  // begins
  ~LinkWords();
  LinkWords(const LinkWords&) = delete;
  LinkWords& operator=(const LinkWords&) = delete;

  const Result<std::string>& get();  // waits. One thread at a time

 private:
  wire::DropLink link_;
  Result<std::string> words_;
  std::thread thread_;
};

}  // namespace qrx::cli
