#include "receive/delivery_progress.h"

#include <algorithm>
#include <utility>

#include "receive/item_names.h"

namespace qrx::receive {
namespace {

// Small files of one task. Its requests go out together, so that a server that is 100 ms away is waited for once for
// all of them; of few files each connection gets some.
constexpr std::size_t fewest_of_task = 16;
constexpr std::size_t most_of_task = 256;
constexpr std::size_t tasks_of_connection = 2;
// An answer is whole in memory, and is fetched again when the connection breaks.
constexpr std::uint64_t most_task_bytes = 1U << 20;

}  // namespace

DeliveryProgress::DeliveryProgress(const ReceiveJob& job, const DeliveryContents& contents,
                                   const FollowedOf& followed_of)
    : job_(job),
      contents_(contents),
      followed_of_(followed_of),
      saved_(contents.items.size()),
      skip_(contents.items.size(), Skip::no) {}

bool DeliveryProgress::is_small(std::size_t index) const {
  // What a pack holds is cut out of it in memory.
  if (contents_.items[index].part) return true;
  // What is only in memory is lost by a kill, and by a limited link it could not be fetched again.
  return contents_.items[index].info.size <= (job_.limited ? 0 : most_small_bytes);
}

std::string DeliveryProgress::begun_name(std::size_t index, bool open) const {
  const Item& item = contents_.items[index];
  if (!open) return item.info.name;
  // A follower knew only the name that the server has. Of what is limited nothing is followed: there the name is the
  // one that it is to have, so that it stands on record before the last byte is asked for.
  return job_.limited || is_small(index) ? item.name : without_age_ending(item.info.name);
}

Error DeliveryProgress::as_known(std::size_t index, Error error) const {
  if (!item(index).in_manifest) return error;
  const std::string id = without_age_ending(item(index).info.name);
  for (auto at = error.what.find(id); at != std::string::npos; at = error.what.find(id, at + item(index).name.size()))
    error.what.replace(at, id.size(), item(index).name);
  return error;
}

bool DeliveryProgress::is_wanted(std::size_t index) {
  const std::lock_guard lock(mutex_);
  return skip_[index] == Skip::no && !saved_[index];
}

// Of the item that this file begins.
std::size_t DeliveryProgress::end_of_item(std::size_t index) const {
  return item(index).part ? item(index).part->end : index + 1;
}

std::vector<std::size_t> DeliveryProgress::take_task() {
  const std::lock_guard lock(mutex_);
  // After the first error no new file is begun; those under way end by themselves.
  if (error_ || tasks_.empty()) return {};
  auto task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

bool DeliveryProgress::failed() {
  const std::lock_guard lock(mutex_);
  return error_.has_value();
}

void DeliveryProgress::fail_with(const Error& error) {
  const std::lock_guard lock(mutex_);
  // The first one ends the delivery; what comes after it is often only its consequence.
  if (!error_) error_ = error;
}

void DeliveryProgress::skip_failed(std::size_t index, const Error& error) {
  skip_[index] = Skip::failed;
  if (!first_failed_)
    first_failed_ = error;
  else
    also_failed_.push_back(contents_.items[index].name);
}

void DeliveryProgress::cannot_save(std::size_t index, const Error& error) {
  const std::lock_guard lock(mutex_);
  skip_failed(index, error);
  tell();
}

void DeliveryProgress::cannot_save_item(std::size_t index, const Error& error) {
  const std::lock_guard lock(mutex_);
  const std::size_t first = item(index).part ? item(index).part->first : index;
  for (std::size_t i = first; i < end_of_item(first); ++i)
    if (skip_[i] == Skip::no && !saved_[i]) skip_failed(i, error);
  tell();
}

// Files are reported in the delivery's order, whatever the order they come in.
void DeliveryProgress::saved(std::size_t index, SavedFile file) {
  const std::lock_guard lock(mutex_);
  saved_[index] = std::move(file);
  tell();
}

// With the mutex held.
void DeliveryProgress::tell() {
  // Up to the first file that is still on its way: people see them in the order of the delivery.
  while (told_ < saved_.size() && (skip_[told_] != Skip::no || saved_[told_])) {
    if (skip_[told_] == Skip::no) job_.tally.saved(*saved_[told_]);
    ++told_;
  }
}

void DeliveryProgress::declined(std::size_t index, Wish wish) {
  const std::lock_guard lock(mutex_);
  skip_[index] = wish == Wish::later ? Skip::later : Skip::discarded;
  tell();
}

std::size_t DeliveryProgress::ask() {
  for (std::size_t i = 0; i < contents_.shown.files.size(); ++i) {
    // Asked of each file once and in order, before any thread starts: `accept` may put a question to a person.
    if (job_.options.take_up && job_.record->is_done(item(i).info.file)) {
      skip_[i] = Skip::done_before;
    } else if (const Wish wish = job_.tally.accept(contents_.shown, contents_.shown.files[i]); wish != Wish::save) {
      skip_[i] = wish == Wish::later ? Skip::later : Skip::discarded;
    }
    if (skip_[i] == Skip::no)
      job_.tally.expect(contents_.shown.files[i].file, contents_.shown.files[i].name, contents_.shown.files[i].size,
                        false);
    else
      job_.tally.forget(contents_.shown.files[i].file);
  }
  return static_cast<std::size_t>(std::count(skip_.begin(), skip_.end(), Skip::no));
}

std::uint64_t DeliveryProgress::bytes_to_come() const {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < contents_.items.size(); ++i) {
    const Item& item = contents_.items[i];
    const std::uint64_t size = contents_.shown.files[i].size;
    if (skip_[i] != Skip::no || job_.record->find(item.id(), delivery())) continue;
    bytes += size - std::min(size, job_.saver->held(begun_name(i, item.open), item.id()).value_or(0));
  }
  return bytes;
}

std::size_t DeliveryProgress::plan() {
  std::size_t small = 0;
  for (std::size_t i = 0; i < contents_.items.size(); i = end_of_item(i)) small += is_small(i) ? 1 : 0;
  const std::size_t share = small / (tasks_of_connection * std::max(job_.options.connections, 1U));
  const std::size_t most_files = std::clamp(share, fewest_of_task, most_of_task);
  std::vector<std::size_t> batch;
  std::uint64_t bytes = 0;
  const auto flush = [&] {
    if (!batch.empty()) tasks_.push_back(std::move(batch));
    batch.clear();
    bytes = 0;
  };
  for (std::size_t i = 0; i < contents_.items.size(); i = end_of_item(i)) {
    // Of a pack one file that is wanted will do.
    const auto begin = skip_.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = skip_.begin() + static_cast<std::ptrdiff_t>(end_of_item(i));
    if (std::find(begin, end, Skip::no) == end) continue;
    const std::uint64_t size = contents_.items[i].info.size;
    // A large file alone, so that several connections share the work evenly.
    if (!is_small(i)) {
      tasks_.push_back({i});
      continue;
    }
    // Several small ones in one task: their requests go out together, and one wait for the server serves them all.
    if (batch.size() == most_files || bytes + size > most_task_bytes) flush();
    batch.push_back(i);
    bytes += size;
  }
  flush();
  return tasks_.size();
}

// The first file that could not be saved, and the names of the others.
std::optional<Error> DeliveryProgress::what_failed() const {
  constexpr std::size_t most_names = 5;
  if (!first_failed_ || also_failed_.empty()) return first_failed_;
  Error error = *first_failed_;
  error.what += "; also not saved: ";
  for (std::size_t i = 0; i < std::min(also_failed_.size(), most_names); ++i)
    error.what += (i > 0 ? ", " : "") + also_failed_[i];
  if (also_failed_.size() > most_names)
    error.what += " and " + std::to_string(also_failed_.size() - most_names) + " more";
  return error;
}

bool DeliveryProgress::is_all(std::size_t begin, std::size_t end, Skip state) const {
  return std::all_of(skip_.begin() + static_cast<std::ptrdiff_t>(begin),
                     skip_.begin() + static_cast<std::ptrdiff_t>(end), [&](Skip one) { return one == state; });
}

// Of what was saved here: nothing of the item is still to come. What a pack has beside it may have been discarded.
bool DeliveryProgress::is_done(std::size_t begin, std::size_t end) const {
  bool any = false;
  for (std::size_t i = begin; i < end; ++i) {
    if (skip_[i] == Skip::no && !saved_[i]) return false;
    if (skip_[i] != Skip::no && skip_[i] != Skip::discarded) return false;
    any = any || saved_[i];
  }
  return any;
}

void DeliveryProgress::remember(bool synced) {
  if (!error_) error_ = what_failed();
  if (!error_ && contents_.locked) error_ = no_key();
  // Names that a loss of power could take back must not be remembered as saved.
  if (!synced) return;
  Untold done{contents_.shown.delivery, {}, {}, !error_};
  for (std::size_t i = 0; i < contents_.items.size(); i = end_of_item(i)) {
    const std::size_t end = end_of_item(i);
    if (is_all(i, end, Skip::discarded))
      done.discarded.push_back(item(i).info.file);
    else if (is_done(i, end))
      done.saved.push_back(item(i).info.file);
    for (std::size_t file = i; file < end; ++file) done.whole = done.whole && skip_[file] != Skip::later;
  }
  job_.record->finish(done);
}

Result<SavedDelivery> DeliveryProgress::result() {
  if (error_) return tl::unexpected(*error_);
  SavedDelivery out;
  out.info = contents_.shown;
  for (std::size_t i = 0; i < contents_.items.size(); i = end_of_item(i))
    if (is_all(i, end_of_item(i), Skip::discarded)) out.discarded.push_back(item(i).info.file);
  for (std::size_t i = 0; i < contents_.items.size(); ++i) {
    const wire::FileInfo& file = contents_.shown.files[i];
    job_.tally.forget(file.file);
    if (skip_[i] == Skip::later) ++out.later;
    if (skip_[i] == Skip::later || skip_[i] == Skip::discarded)
      out.declined.push_back(file.name);
    else if (saved_[i])
      out.files.push_back(std::move(*saved_[i]));
  }
  return out;
}

}  // namespace qrx::receive
