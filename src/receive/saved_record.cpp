#include "receive/saved_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "api/refusals.h"
#include "base/private_files.h"
#include "base/text.h"
#include "base/write_all.h"

namespace qrx::receive {

SavedRecord::SavedRecord(const std::string& directory, const Guid& guid) {
  if (directory.empty()) return;
  if (!make_private_directories(directory)) return;
  path_ = directory + "/" + guid.text() + ".saved";
  std::ifstream lines(path_);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string file, name, sum, delivery;
    Entry entry;
    if (!(words >> file >> name)) continue;
    const auto id = Id::parse(file);
    if (id && name == "done") finished_.files.insert(*id);
    if (id && name == "finished") finished_.deliveries.insert(*id);
    if (!(words >> entry.size >> sum >> delivery)) continue;
    const auto of = Id::parse(delivery);
    const auto xxh128 = api::sum_from_hex(sum);
    if (!id || !of || !xxh128 || !percent_decode(name, entry.name)) continue;
    entry.xxh128 = *xxh128;
    entry.delivery = *of;
    earlier_[*id] = std::move(entry);
  }
}

void SavedRecord::add(const Id& file, const Entry& entry) {
  const std::lock_guard lock(mutex_);
  append(file.text() + " " + percent_encode_segment(entry.name) + " " + std::to_string(entry.size) + " " +
         to_hex(entry.xxh128) + " " + entry.delivery.text() + "\n");
}

void SavedRecord::finish(const Id& delivery, const std::vector<Id>& files, bool whole) {
  std::string lines;
  for (const auto& file : files) lines += file.text() + " done\n";
  const std::lock_guard lock(mutex_);
  finished_.files.insert(files.begin(), files.end());
  if (whole) finished_.deliveries.insert(delivery);
  if (whole) lines += delivery.text() + " finished\n";
  append(lines);
}

bool SavedRecord::is_done(const Id& file) const {
  const std::lock_guard lock(mutex_);
  return finished_.files.contains(file);
}

Finished SavedRecord::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void SavedRecord::append(const std::string& lines) {
  if (path_.empty() || lines.empty()) return;
  if (!file_) {
    file_ = open_private_file(path_, O_WRONLY | O_APPEND | O_CREAT);
    if (!file_) {
      path_.clear();
      return;
    }
  }
  static_cast<void>(write_all(file_.get(), appended(lines), path_));
}

std::optional<SavedRecord::Entry> SavedRecord::find(const Id& file, const Id& delivery) const {
  const auto it = earlier_.find(file);
  return it == earlier_.end() || it->second.delivery != delivery ? std::nullopt : std::optional(it->second);
}

void SavedRecord::remove() {
  const std::lock_guard lock(mutex_);
  if (path_.empty()) return;
  static_cast<void>(::unlink(path_.c_str()));  // not there is as good
  file_.reset();
}

}  // namespace qrx::receive
