// Disk space set aside beside the catalog, in the file CATALOG.reserve: given up when the disk is full, so that
// deletions can be written. Private to src/store.
#pragma once

#include <cstdint>
#include <string>

namespace qrx::store {

// One thread at a time.
class DiskReserve {
 public:
  DiskReserve(const std::string& catalog, std::uint64_t bytes) : name_(catalog + ".reserve"), bytes_(bytes) {}

  void make();  // unless it would take much of a small disk; without it the catalog works all the same
  void give_up();
  bool there() const { return there_; }

 private:
  const std::string name_;
  const std::uint64_t bytes_;
  bool there_ = false;
};

}  // namespace qrx::store
