#include "receive/saved_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "api/refusals.h"
#include "base/private_files.h"
#include "base/text.h"
#include "base/write_all.h"
#include "wire/limits.h"
#include "wire/tus.h"

namespace qrx::receive {
namespace {

std::string path_of(const std::string& directory, const Guid& guid) {
  return directory + "/" + guid.text() + ".saved";
}

constexpr std::size_t most_words = 5;
constexpr std::size_t longest_line = 3 * wire::most_name_bytes + 200;  // a name, each byte as %XX, and ids, size, sum

}  // namespace

SavedRecord::SavedRecord(const std::string& directory, const Guid& guid) {
  if (directory.empty()) return;
  if (!make_private_directories(directory)) return;
  path_ = path_of(directory, guid);
  const UniqueFd earlier = open_private_file(path_, O_RDONLY | O_NONBLOCK);
  std::uint64_t at = 0;
  // Whatever is wrong with the file, the run goes on: at worst something is saved twice.
  if (earlier)
    static_cast<void>(
        read_new_lines(earlier.get(), at, longest_line, [this](std::string_view line) { read_line(line); }));
}

void SavedRecord::read_line(std::string_view line) {
  std::vector<std::string_view> of_line;
  for (std::size_t end = 0; !line.empty() && of_line.size() <= most_words; line.remove_prefix(end)) {
    end = std::min(line.find(' '), line.size());
    if (end > 0) of_line.push_back(line.substr(0, end));
    if (end < line.size()) ++end;
  }
  // By the number of words: lines of another version, and lines that a crash cut short, are passed over.
  if (of_line.size() != 3 && of_line.size() != most_words) return;
  const auto id = Id::parse(of_line.front());
  const auto delivery = Id::parse(of_line.back());
  if (!id || !delivery) return;
  if (of_line.size() == 3) return read_mark(*id, std::string(of_line[1]), *delivery);
  Entry entry;
  const auto xxh128 = api::sum_from_hex(of_line[3]);
  const auto size = wire::parse_number(of_line[2]);
  if (!xxh128 || !size || !percent_decode(of_line[1], entry.name)) return;
  entry.size = *size;
  entry.xxh128 = *xxh128;
  entry.delivery = *delivery;
  earlier_[*id] = std::move(entry);
}

void SavedRecord::read_mark(const Id& id, const std::string& mark, const Id& delivery) {
  Untold& untold = untold_.try_emplace(delivery, Untold{delivery, {}, {}}).first->second;
  if (mark == "done" || mark == "discarded") {
    finished_.files.insert(id);
    (mark == "done" ? untold.saved : untold.discarded).push_back(id);
  } else if (mark == "finished") {
    finished_.deliveries.insert(delivery);
    untold.whole = true;
  } else if (mark == "declined") {
    untold.declined = true;
  } else if (mark == "told") {
    // What follows "told" is news again: later lines begin a new entry.
    untold_.erase(delivery);
  }
}

void SavedRecord::add(const Id& file, const Entry& entry, bool durable) {
  // The mutex is held while the line is written: lines of several threads must not mix.
  const std::lock_guard lock(mutex_);
  append(file.text() + " " + percent_encode_segment(entry.name) + " " + std::to_string(entry.size) + " " +
         to_hex(entry.xxh128) + " " + entry.delivery.text() + "\n");
  // Whatever cannot be synced is no error, as all that is wrong with the file.
  if (durable && file_) static_cast<void>(::fdatasync(file_.get()));
}

// One write for all of a delivery, "finished" last: what a crash cuts off leaves less remembered, never more.
void SavedRecord::finish(const Untold& done) {
  const std::string of = " " + done.delivery.text() + "\n";
  std::string lines;
  for (const auto& file : done.saved) lines += file.text() + " done" + of;
  for (const auto& file : done.discarded) lines += file.text() + " discarded" + of;
  if (done.declined) lines += done.delivery.text() + " declined" + of;
  if (done.whole) lines += done.delivery.text() + " finished" + of;
  const std::lock_guard lock(mutex_);
  finished_.files.insert(done.saved.begin(), done.saved.end());
  finished_.files.insert(done.discarded.begin(), done.discarded.end());
  if (done.whole) finished_.deliveries.insert(done.delivery);
  Untold& untold = untold_.try_emplace(done.delivery, Untold{done.delivery, {}, {}}).first->second;
  untold.saved.insert(untold.saved.end(), done.saved.begin(), done.saved.end());
  untold.discarded.insert(untold.discarded.end(), done.discarded.begin(), done.discarded.end());
  untold.whole = untold.whole || done.whole;
  untold.declined = untold.declined || done.declined;
  append(lines);
}

void SavedRecord::told(const Id& delivery) {
  const std::lock_guard lock(mutex_);
  // Only if there was something to tell.
  if (untold_.erase(delivery) > 0) append(delivery.text() + " told " + delivery.text() + "\n");
}

std::map<Id, SavedRecord::Entry> SavedRecord::unnamed() const {
  const std::lock_guard lock(mutex_);
  std::map<Id, Entry> out;
  for (const auto& [file, entry] : earlier_)
    if (!finished_.files.contains(file)) out.emplace(file, entry);
  return out;
}

bool SavedRecord::is_done(const Id& file) const {
  const std::lock_guard lock(mutex_);
  return finished_.files.contains(file);
}

Finished SavedRecord::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

std::vector<Untold> SavedRecord::untold() const {
  const std::lock_guard lock(mutex_);
  std::vector<Untold> out;
  for (const auto& [delivery, untold] : untold_) out.push_back(untold);
  return out;
}

bool SavedRecord::is_settled(const Id& delivery) const {
  const std::lock_guard lock(mutex_);
  return finished_.deliveries.contains(delivery) && !untold_.contains(delivery);
}

void SavedRecord::keep_only(const std::set<Id>& deliveries) {
  const std::lock_guard lock(mutex_);
  std::erase_if(finished_.deliveries, [&](const Id& delivery) { return !deliveries.contains(delivery); });
  std::erase_if(untold_, [&](const auto& entry) { return !deliveries.contains(entry.first); });
  if (path_.empty()) return;
  const UniqueFd old = open_private_file(path_, O_RDONLY | O_NONBLOCK);
  if (!old) return;
  std::string kept;
  bool any_gone = false;
  std::uint64_t at = 0;
  const auto read = read_new_lines(old.get(), at, longest_line, [&](std::string_view line) {
    const auto delivery = Id::parse(line.substr(line.rfind(' ') + 1));
    if (delivery && deliveries.contains(*delivery))
      kept.append(line).append("\n");
    else
      any_gone = any_gone || !line.empty();
  });
  if (!read || !any_gone) return;
  file_.reset();  // whatever is appended goes into the new one
  static_cast<void>(replace_private_file(path_, kept));
}

void SavedRecord::append(const std::string& lines) {
  if (path_.empty() || lines.empty()) return;
  // Not before the first line: a run that receives nothing leaves no file.
  if (!file_) {
    file_ = open_private_file(path_, O_WRONLY | O_APPEND | O_CREAT);
    // Not tried again: each line would fail the same way.
    if (!file_) {
      path_.clear();
      return;
    }
  }
  // Trouble is no error (see the header). Not synced: after a loss of power the newest lines may be missing, and what
  // they tell of is saved a second time, but for what could not be had a second time (add()).
  static_cast<void>(write_all(file_.get(), appended(lines), path_));
}

std::optional<SavedRecord::Entry> SavedRecord::find(const Id& file, const Id& delivery) const {
  // The same id in another delivery is another file: a server could show it so.
  const auto it = earlier_.find(file);
  return it == earlier_.end() || it->second.delivery != delivery ? std::nullopt : std::optional(it->second);
}

void SavedRecord::remove() {
  const std::lock_guard lock(mutex_);
  if (path_.empty()) return;
  static_cast<void>(remove_private_file(path_));  // what stays is known to nobody
  file_.reset();
}

void SavedRecord::remove(const std::string& directory, const Guid& guid) {
  if (!directory.empty()) static_cast<void>(remove_private_file(path_of(directory, guid)));
}

}  // namespace qrx::receive
