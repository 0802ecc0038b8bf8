// What a run has done of a space, for the next run, should this one fail or be killed.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/unique_fd.h"
#include "wire/id.h"

namespace qrx::receive {

// What needs nothing more: saved, or discarded for good.
struct Finished {
  std::set<Id> deliveries;
  std::set<Id> files;  // also those of deliveries that are not finished
};
// Thread-safe. A text file "GUID.saved" of lines:
//   FILEID NAME SIZE XXH128 DELIVERYID   the file is about to get its final name; NAME is percent-encoded
//   FILEID done                          it has it, durably, or was discarded for good
//   DELIVERYID finished                  so are all files of the delivery
class SavedRecord {
 public:
  // An empty directory: nothing is kept. Trouble with the file is no error: what was saved may then be saved twice.
  SavedRecord(const std::string& directory, const Guid& guid);
  struct Entry {
    std::string name;
    std::uint64_t size = 0;  // as saved
    Xxh128Sum xxh128{};
    Id delivery;
  };
  void add(const Id& file, const Entry& entry);                         // just before it is published
  std::optional<Entry> find(const Id& file, const Id& delivery) const;  // of an earlier run
  bool is_done(const Id& file) const;
  void finish(const Id& delivery, const std::vector<Id>& files, bool whole);  // `whole`: that was all of it
  Finished finished() const;                                                  // by this run and by earlier ones
  void remove();                                                              // the space is gone

 private:
  void append(const std::string& lines);  // with the mutex held

  mutable std::mutex mutex_;  // of the first three
  std::string path_;
  UniqueFd file_;
  Finished finished_;
  std::map<Id, Entry> earlier_;  // as it was at the start
};

}  // namespace qrx::receive
