// What a run has done of a space, for the next run, should this one fail or be killed.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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

// What was done with a delivery, as far as its sender was not told of it.
struct Untold {
  Id delivery;
  std::vector<Id> saved, discarded;
  bool whole = false;     // these files, and those of which was told before, are all that it has
  bool declined = false;  // of a text, which has no files: it was discarded
};

// Thread-safe. A text file "GUID.saved" of lines:
//   FILEID NAME SIZE XXH128 DELIVERYID   the file is about to get its final name; NAME is percent-encoded
//   FILEID done DELIVERYID               it has it, durably,
//   FILEID discarded DELIVERYID          or was discarded for good
//   DELIVERYID finished DELIVERYID       so are all files of the delivery
//   DELIVERYID declined DELIVERYID       a text was discarded: before "finished"
//   DELIVERYID told DELIVERYID           its sender was told of all that stands above
// A mark ends in an identifier, so that no line of a file's name, or the beginning of one, is taken for it.
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
  // Just before it is published; before the last byte is asked for where that can be had only once, and then durably.
  void add(const Id& file, const Entry& entry, bool durable = false);
  std::optional<Entry> find(const Id& file, const Id& delivery) const;  // of an earlier run
  // Of all files that an earlier run was about to give their names, and that are not known to have them.
  std::map<Id, Entry> unnamed() const;
  bool is_done(const Id& file) const;
  void finish(const Untold& done);
  void told(const Id& delivery);
  Finished finished() const;                                           // by this run and by earlier ones
  std::vector<Untold> untold() const;                                  // likewise
  bool is_settled(const Id& delivery) const;                           // finished, and its sender was told
  void keep_only(const std::set<Id>& deliveries);                      // all others are gone from the server for good
  void remove();                                                       // the space is gone
  static void remove(const std::string& directory, const Guid& guid);  // the same, without reading it

 private:
  void read_line(std::string_view line);
  void read_mark(const Id& id, const std::string& mark, const Id& delivery);
  void append(const std::string& lines);  // with the mutex held

  mutable std::mutex mutex_;  // of the first four
  std::string path_;
  UniqueFd file_;
  Finished finished_;
  std::map<Id, Untold> untold_;  // by delivery
  std::map<Id, Entry> earlier_;  // as it was at the start
};

}  // namespace qrx::receive
