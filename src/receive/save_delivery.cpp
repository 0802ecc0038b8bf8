#include <algorithm>
#include <array>
#include <deque>
#include <system_error>
#include <utility>

#include "api/refusals.h"
#include "receive/intake.h"
#include "receive/receive_job.h"
#include "receive/sealed_contents.h"
#include "receive/text_delivery.h"
#include "seal/item.h"
#include "wire/sniff.h"

namespace qrx::receive {
namespace {

constexpr std::size_t buffer_bytes = 256U << 10;
constexpr std::uint64_t most_small_bytes = 256U << 10;
constexpr std::size_t most_posted = 16;
constexpr std::uint64_t most_posted_bytes = 1U << 20;

Error damaged(const std::string& name) {
  return {Kind::integrity, name + " arrived damaged, twice: its checksum differs", {}};
}

// Of the file, not of the way or of this machine.
bool is_at_fault(Kind kind) {
  return kind == Kind::integrity || kind == Kind::exists;
}

std::string type_of(const PartialFile& partial) {
  std::array<std::byte, wire::sniffed_bytes> beginning;
  const auto size = partial.read_at(0, beginning);
  const ByteView bytes(beginning.data(), size.value_or(0));
  return std::string(wire::sniff(bytes, bytes.size() == partial.size()).type);
}

// One delivery while its files are fetched by several threads.
class Delivery {
 public:
  Delivery(const ReceiveJob& job, const DeliveryContents& contents,
           const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of)
      : job_(job),
        contents_(contents),
        info_(contents.shown),
        items_(contents.items),
        outcome_of_(outcome_of),
        saved_(items_.size()),
        skip_(items_.size(), Skip::no) {}

  Result<SavedDelivery> run();

  // For the workers. Thread-safe.
  std::vector<std::size_t> take_task();
  bool failed();
  void fail_with(const Error& error);                       // ends the delivery
  void cannot_save(std::size_t index, const Error& error);  // a file that is at fault itself: the others go on
  void saved(std::size_t index, SavedFile file);
  void declined(std::size_t index, Wish wish);

  const ReceiveJob& job_;
  const DeliveryContents& contents_;
  const wire::DeliveryInfo& info_;  // as people see it
  const std::vector<Item>& items_;  // as the server has it
  const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of_;

 private:
  void ask();
  void plan();
  void tell();
  void remember();
  std::optional<Error> what_failed() const;

  std::mutex mutex_;
  std::deque<std::vector<std::size_t>> tasks_;  // several small files, or one large
  std::vector<std::optional<SavedFile>> saved_;
  enum class Skip : std::uint8_t { no, done_before, later, discarded, failed };
  std::vector<Skip> skip_;
  std::size_t told_ = 0;  // files before this one were reported
  std::optional<Error> first_failed_;
  std::vector<std::string> also_failed_;  // names
  std::optional<Error> error_;
};

class Worker {
 public:
  explicit Worker(Delivery& delivery)
      : delivery_(delivery), job_(delivery.job_), client_(job_.link, job_.options.client) {}

  void run() {
    for (;;) {
      const auto task = delivery_.take_task();
      if (task.empty()) return;
      const bool small = is_small(task.front());
      const auto done = small ? save_small(task) : save_large(task.front());
      if (done) continue;
      if (small) return delivery_.fail_with(done.error());
      const Error error = as_known(task.front(), done.error());
      if (!is_at_fault(error.kind)) return delivery_.fail_with(error);
      delivery_.cannot_save(task.front(), error);
      client_.close();
    }
  }

 private:
  const Item& item(std::size_t index) const { return delivery_.items_[index]; }
  const wire::FileInfo& file(std::size_t index) const { return item(index).info; }  // sealed, if it is
  bool is_small(std::size_t index) const { return file(index).size <= most_small_bytes; }
  Error as_known(std::size_t index, Error error) const;

  Result<void> save_small(const std::vector<std::size_t>& task);
  Result<void> get_small(std::deque<std::size_t>& left);
  Result<void> keep_small(std::size_t index, const std::string& bytes);
  Result<void> save_large(std::size_t index);
  Result<void> save_large_plain(std::size_t index);
  Result<bool> save_large_sealed(std::size_t index);
  Result<bool> open_large(std::size_t index, PartialFile& partial, api::Patience& patience,
                          std::optional<OpenedItem>& opened);
  Result<void> stays_sealed(std::size_t index, seal::Refusal refusal);
  Result<void> fetch(PartialFile& partial, const wire::FileInfo& info, RunningSums& sums);
  bool saved_before(std::size_t index);
  wire::FileInfo unopened(std::size_t index) const;
  Result<void> publish(std::size_t index, PartialFile& partial, const Sums& sums, bool opened = false);
  Result<void> publish_opened(std::size_t index, PartialFile& partial, const OpenedItem& opened);

  Delivery& delivery_;
  const ReceiveJob& job_;
  api::OwnerClient client_;
  std::vector<std::byte> buffer_;
  std::string why_unopened_;  // the file at hand stays as it came; or empty
};

// Of an item whose name its sender told, no message says the one that the server knows.
Error Worker::as_known(std::size_t index, Error error) const {
  if (!item(index).in_manifest) return error;
  const std::string id = without_age_ending(file(index).name);
  for (auto at = error.what.find(id); at != std::string::npos; at = error.what.find(id, at + item(index).name.size()))
    error.what.replace(at, id.size(), item(index).name);
  return error;
}

// A run that was killed after it had published this file.
bool Worker::saved_before(std::size_t index) {
  const wire::FileInfo& info = file(index);
  const auto earlier = job_.record->find(info.file, delivery_.info_.delivery);
  if (!earlier) return false;
  const bool opened = item(index).open && (earlier->size != info.size || earlier->xxh128 != info.xxh128);
  if (!opened && (earlier->size != info.size || earlier->xxh128 != info.xxh128)) return false;
  const auto path = job_.saver->find_saved(earlier->name, earlier->size, earlier->xxh128);
  if (!path) return false;
  std::optional<Sha256Sum> sha;
  if (job_.options.sha256) {
    sha = job_.saver->sha256_of(*path);
    if (!sha) return false;
  }
  job_.tally.arrived(info.file, delivery_.info_.files[index].size);
  const auto saved = opened ? opened_info(item(index), earlier->size, earlier->xxh128) : unopened(index);
  delivery_.saved(index, SavedFile{*path, saved, sha, delivery_.info_.delivery});
  return true;
}

Result<void> Worker::publish_opened(std::size_t index, PartialFile& partial, const OpenedItem& opened) {
  if (auto admitted = admit_item(job_, delivery_.contents_, item(index), opened.tag); !admitted) {
    partial.discard();
    return admitted;
  }
  if (auto renamed = partial.rename_to(item(index).name, file(index).file, delivery_.info_.delivery); !renamed)
    return renamed;
  return publish(index, partial, opened.plain, true);
}

// What was sealed to others, or in a way that is not read here.
Result<void> Worker::stays_sealed(std::size_t index, seal::Refusal refusal) {
  if (item(index).in_manifest || job_.options.only_sealed) return tl::unexpected(not_sealed(item(index).name));
  why_unopened_ = seal::explain({refusal, ""}).what;
  return {};
}

wire::FileInfo Worker::unopened(std::size_t index) const {
  wire::FileInfo info = file(index);
  info.sealed = false;
  return info;
}

Result<void> Worker::publish(std::size_t index, PartialFile& partial, const Sums& sums, bool opened) {
  wire::FileInfo info = opened ? opened_info(item(index), partial.size(), sums.xxh128) : unopened(index);
  // Of what was sealed the server knew nothing.
  if (opened) info.type = type_of(partial);
  if (const Wish wish = job_.tally.keep(info, partial.descriptor()); wish != Wish::save) {
    partial.discard();
    delivery_.declined(index, wish);
    return {};
  }
  job_.record->add(info.file, {partial.name(), info.size, info.xxh128, delivery_.info_.delivery});
  const bool renamed = !job_.saver->one_file() && partial.name() != info.name;
  auto path = partial.publish();
  if (!path) return tl::unexpected(path.error());
  std::string why = std::exchange(why_unopened_, {});
  if (job_.options.identity && !opened && why.empty() && has_age_ending(info.name))
    why = "it does not begin as age files do; it may be damaged";
  delivery_.saved(index,
                  SavedFile{std::move(*path), info, sums.sha256, delivery_.info_.delivery, renamed, std::move(why)});
  return {};
}

Result<void> Worker::keep_small(std::size_t index, const std::string& bytes) {
  const wire::FileInfo& info = file(index);
  RunningSums sums(job_.options.sha256);
  sums.update(as_bytes(bytes));
  const Sums got = sums.sums();
  if (bytes.size() != info.size || got.xxh128 != info.xxh128) return tl::unexpected(damaged(item(index).name));
  std::string plain;
  std::optional<OpenedItem> opened;
  if (item(index).open) {
    std::optional<seal::Refusal> refusal;
    auto whole = open_whole(*job_.options.identity, as_bytes(bytes), job_.options.sha256, plain, refusal);
    if (whole) {
      if (auto admitted = admit_item(job_, delivery_.contents_, item(index), whole->tag); !admitted) return admitted;
      opened = std::move(*whole);
    } else if (refusal && is_foreign(*refusal)) {
      if (auto stays = stays_sealed(index, *refusal); !stays) return stays;
    } else {
      return fail(whole.error().kind, "cannot open " + item(index).name + ": " + whole.error().what,
                  whole.error().hint);
    }
  }
  // One who followed it while it was uploaded lets go of its partial.
  static_cast<void>(delivery_.outcome_of_(info.file));
  auto partial =
      job_.saver->begin(opened ? without_age_ending(info.name) : info.name, info.file, delivery_.info_.delivery);
  if (!partial) return tl::unexpected(partial.error());
  if (partial->size() > 0)
    if (auto emptied = partial->truncate(0); !emptied) return emptied;
  if (auto written = partial->write(as_bytes(opened ? plain : bytes)); !written) return written;
  job_.tally.arrived(info.file, delivery_.info_.files[index].size);
  return opened ? publish_opened(index, *partial, *opened) : publish(index, *partial, got);
}

// Asks for all that is left at once; takes the answers off the front.
Result<void> Worker::get_small(std::deque<std::size_t>& left) {
  for (const auto index : left)
    if (auto posted = client_.post_get(file(index).file); !posted) return posted;
  while (!left.empty()) {
    const auto bytes = client_.content(static_cast<std::size_t>(file(left.front()).size));
    if (!bytes) return tl::unexpected(bytes.error());
    if (auto kept = keep_small(left.front(), *bytes); !kept) return kept;
    left.pop_front();
  }
  return {};
}

Result<void> Worker::save_small(const std::vector<std::size_t>& task) {
  std::deque<std::size_t> left;
  for (const auto index : task)
    if (!saved_before(index)) left.push_back(index);
  api::Patience patience = job_.patience();
  std::optional<std::size_t> damaged_once;
  while (!left.empty() && !delivery_.failed()) {
    const auto before = left.size();
    const auto got = get_small(left);
    if (got) break;
    const auto asked = client_.asked_pause();
    client_.close();
    if (left.size() < before) {
      patience.progress();
      if (api::is_temporary(got.error().kind) && !asked && !job_.interrupt.raised()) continue;
    }
    if (got.error().kind == Kind::integrity && !left.empty() && damaged_once != left.front()) {
      damaged_once = left.front();
      continue;
    }
    const Error error = left.empty() ? got.error() : as_known(left.front(), got.error());
    if (is_at_fault(error.kind) && !left.empty()) {
      delivery_.cannot_save(left.front(), error);
      left.pop_front();
      continue;
    }
    if (auto go_on = patience.wait(error, asked); !go_on) return go_on;
  }
  return {};
}

// Until the partial has the whole size.
Result<void> Worker::fetch(PartialFile& partial, const wire::FileInfo& info, RunningSums& sums) {
  const auto opened = client_.open(info.file, partial.size(), info.xxh128);
  if (!opened) return tl::unexpected(opened.error());
  if (opened->start != partial.size()) {
    if (auto emptied = partial.truncate(0); !emptied) return emptied;
    sums.reset();
  }
  partial.expect_length(info.size);
  while (partial.size() < info.size) {
    if (delivery_.failed()) return fail(Kind::other, "stopped");
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), info.size - partial.size()));
    const auto got = client_.read(std::span(buffer_).first(most));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::unavailable, "the connection was cut");
    sums.update({buffer_.data(), *got});
    if (auto written = partial.write({buffer_.data(), *got}); !written) return written;
    job_.tally.arrived(info.file, partial.size());
  }
  return {};
}

Result<void> Worker::save_large(std::size_t index) {
  if (saved_before(index)) return {};
  if (item(index).open) {
    const auto done = save_large_sealed(index);
    if (!done || *done) return done ? Result<void>{} : tl::unexpected(done.error());
  }
  return save_large_plain(index);
}

// Until the partial has what the item held. False when it is not for us. An integrity error may be one of the way here.
Result<bool> Worker::open_large(std::size_t index, PartialFile& partial, api::Patience& patience,
                                std::optional<OpenedItem>& opened) {
  const wire::FileInfo& info = file(index);
  partial.expect_length(seal::plain_part(info.size));
  const auto sink = [&partial](ByteView bytes) { return partial.write(bytes); };
  std::unique_ptr<SealedIntake> intake;
  for (;;) {
    Result<void> done;
    const std::uint64_t before = intake ? intake->taken() : 0;
    if (!intake) {
      intake = std::make_unique<SealedIntake>(*job_.options.identity, sink, job_.options.sha256);
      if (partial.size() > 0) done = take_up_partial(client_, info.file, partial, *intake);
      if (!done && api::is_temporary(done.error().kind)) intake.reset();  // nothing was taken
    }
    if (done)
      done = fetch_sealed(client_, info.file, info.xxh128, info.size, *intake, buffer_, [&]() -> Result<void> {
        if (delivery_.failed()) return fail(Kind::other, "stopped");
        job_.tally.arrived(info.file, seal::plain_part(intake->taken()));
        return {};
      });
    if (done && intake->taken() == info.size) {
      auto whole = intake->finish();
      if (whole && whole->wire_sum != info.xxh128) return tl::unexpected(damaged(item(index).name));
      if (whole) {
        opened = std::move(*whole);
        return true;
      }
      done = tl::unexpected(whole.error());
    } else if (done) {
      done = fail(intake->taken() < info.size ? Kind::unavailable : Kind::integrity,
                  "the server sent another size than it said");
    }
    if (intake && intake->refusal()) {
      if (!is_foreign(*intake->refusal()))
        return fail(done.error().kind, "cannot open " + item(index).name + ": " + done.error().what);
      if (auto stays = stays_sealed(index, *intake->refusal()); !stays) return tl::unexpected(stays.error());
      return false;
    }
    const auto asked = client_.asked_pause();
    client_.close();
    if (intake && intake->taken() > before) patience.progress();
    if (auto go_on = patience.wait(done.error(), asked); !go_on) return tl::unexpected(go_on.error());
  }
}

// False when it is to be saved as it is.
Result<bool> Worker::save_large_sealed(std::size_t index) {
  const wire::FileInfo& info = file(index);
  const auto followed = delivery_.outcome_of_(info.file);
  auto partial = job_.saver->begin(without_age_ending(info.name), info.file, delivery_.info_.delivery);
  if (!partial) return tl::unexpected(partial.error());
  if (followed && followed->opened && followed->opened->wire_sum == info.xxh128 && followed->size == partial->size()) {
    if (auto done = publish_opened(index, *partial, *followed->opened); !done) return tl::unexpected(done.error());
    return true;
  }
  if (buffer_.empty()) buffer_.resize(buffer_bytes);
  // Under this name it may also be as it came.
  if (!has_age_ending(info.name))
    if (auto emptied = partial->truncate(0); !emptied) return tl::unexpected(emptied.error());
  api::Patience patience = job_.patience();
  for (bool again = false;; again = true) {
    std::optional<OpenedItem> opened;
    const auto done = open_large(index, *partial, patience, opened);
    if (done && *done) {
      if (auto published = publish_opened(index, *partial, *opened); !published)
        return tl::unexpected(published.error());
      return true;
    }
    if (done || done.error().kind == Kind::integrity) {
      // Once more from the first byte: an earlier run's partial may be damaged, or the way here.
      if (done || again) partial->discard();
      if (done || again) return done;
      client_.close();
      if (auto emptied = partial->truncate(0); !emptied) return tl::unexpected(emptied.error());
      continue;
    }
    return done;
  }
}

Result<void> Worker::save_large_plain(std::size_t index) {
  const wire::FileInfo& info = file(index);
  const auto followed = delivery_.outcome_of_(info.file);
  auto partial = job_.saver->begin(info.name, info.file, delivery_.info_.delivery);
  if (!partial) return tl::unexpected(partial.error());
  if (followed && followed->sums && followed->size == info.size && partial->size() == info.size &&
      followed->sums->xxh128 == info.xxh128)
    return publish(index, *partial, *followed->sums);

  if (buffer_.empty()) buffer_.resize(buffer_bytes);
  RunningSums sums(job_.options.sha256);
  if (partial->size() > info.size)
    if (auto emptied = partial->truncate(0); !emptied) return emptied;
  if (auto summed = sum_partial(*partial, sums, buffer_, job_.interrupt); !summed) return summed;
  job_.tally.arrived(info.file, partial->size());
  api::Patience patience = job_.patience();
  bool damaged_once = false;
  for (;;) {
    while (partial->size() < info.size) {
      const std::uint64_t before = partial->size();
      const auto fetched = fetch(*partial, info, sums);
      if (fetched) break;
      const auto asked = client_.asked_pause();
      client_.close();
      if (partial->size() > before) patience.progress();
      if (auto go_on = patience.wait(fetched.error(), asked); !go_on) return go_on;
    }
    const Sums got = sums.sums();
    if (got.xxh128 == info.xxh128) return publish(index, *partial, got);
    if (damaged_once) {
      partial->discard();
      return tl::unexpected(damaged(info.name));
    }
    // Once more from the first byte: an earlier run's partial may be damaged, or the way here.
    damaged_once = true;
    if (auto emptied = partial->truncate(0); !emptied) return emptied;
    sums.reset();
  }
}

std::vector<std::size_t> Delivery::take_task() {
  const std::lock_guard lock(mutex_);
  if (error_ || tasks_.empty()) return {};
  auto task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

bool Delivery::failed() {
  const std::lock_guard lock(mutex_);
  return error_.has_value();
}

void Delivery::fail_with(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
}

void Delivery::cannot_save(std::size_t index, const Error& error) {
  const std::lock_guard lock(mutex_);
  skip_[index] = Skip::failed;
  if (!first_failed_)
    first_failed_ = error;
  else
    also_failed_.push_back(items_[index].name);
  tell();
}

// Files are reported in the delivery's order, whatever the order they come in.
void Delivery::saved(std::size_t index, SavedFile file) {
  const std::lock_guard lock(mutex_);
  saved_[index] = std::move(file);
  tell();
}

// With the mutex held.
void Delivery::tell() {
  while (told_ < saved_.size() && (skip_[told_] != Skip::no || saved_[told_])) {
    if (skip_[told_] == Skip::no) job_.tally.saved(*saved_[told_]);
    ++told_;
  }
}

void Delivery::declined(std::size_t index, Wish wish) {
  const std::lock_guard lock(mutex_);
  skip_[index] = wish == Wish::later ? Skip::later : Skip::discarded;
  tell();
}

void Delivery::ask() {
  for (std::size_t i = 0; i < info_.files.size(); ++i) {
    if (job_.options.take_up && job_.record->is_done(info_.files[i].file)) {
      skip_[i] = Skip::done_before;
    } else if (const Wish wish = job_.tally.accept(info_, info_.files[i]); wish != Wish::save) {
      skip_[i] = wish == Wish::later ? Skip::later : Skip::discarded;
    }
    if (skip_[i] == Skip::no)
      job_.tally.expect(info_.files[i].file, info_.files[i].name, info_.files[i].size, false);
    else
      job_.tally.forget(info_.files[i].file);
  }
}

void Delivery::plan() {
  std::vector<std::size_t> batch;
  std::uint64_t bytes = 0;
  const auto flush = [&] {
    if (!batch.empty()) tasks_.push_back(std::move(batch));
    batch.clear();
    bytes = 0;
  };
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (skip_[i] != Skip::no) continue;
    const std::uint64_t size = items_[i].info.size;
    if (size > most_small_bytes) {
      tasks_.push_back({i});
      continue;
    }
    if (batch.size() == most_posted || bytes + size > most_posted_bytes) flush();
    batch.push_back(i);
    bytes += size;
  }
  flush();
}

Result<SavedDelivery> Delivery::run() {
  ask();
  const auto wanted = static_cast<std::size_t>(std::count(skip_.begin(), skip_.end(), Skip::no));
  if (job_.saver->one_file() && wanted > 1)
    return fail(Kind::usage,
                "cannot save " + std::to_string(wanted) + " files as the single file " + job_.saver->file_name(),
                "name a directory instead");
  plan();
  std::vector<std::thread> threads;
  const std::size_t count = std::min<std::size_t>(tasks_.size(), std::max(job_.options.connections, 1U));
  for (std::size_t i = 1; i < count; ++i) {
    try {
      threads.emplace_back([this] { Worker(*this).run(); });
    } catch (const std::system_error&) {
      break;  // fewer will do
    }
  }
  Worker(*this).run();
  for (auto& thread : threads) thread.join();
  // What was saved is durable, whatever happened to the rest.
  const auto settled = job_.saver->settle(info_.delivery);
  if (!error_) error_ = what_failed();
  if (!error_ && contents_.locked) error_ = no_key();
  if (settled) remember();
  if (error_) return tl::unexpected(*error_);
  if (!settled) return tl::unexpected(settled.error());

  SavedDelivery out;
  out.info = info_;
  for (std::size_t i = 0; i < info_.files.size(); ++i) {
    job_.tally.forget(info_.files[i].file);
    if (skip_[i] == Skip::later) ++out.later;
    if (skip_[i] == Skip::later || skip_[i] == Skip::discarded)
      out.declined.push_back(info_.files[i].name);
    else if (saved_[i])
      out.files.push_back(std::move(*saved_[i]));
  }
  return out;
}

// The first file that could not be saved, and the names of the others.
std::optional<Error> Delivery::what_failed() const {
  constexpr std::size_t most_names = 5;
  if (!first_failed_ || also_failed_.empty()) return first_failed_;
  Error error = *first_failed_;
  error.what += "; neither could be saved: ";
  for (std::size_t i = 0; i < std::min(also_failed_.size(), most_names); ++i)
    error.what += (i > 0 ? ", " : "") + also_failed_[i];
  if (also_failed_.size() > most_names)
    error.what += " and " + std::to_string(also_failed_.size() - most_names) + " more";
  return error;
}

// What this delivery needs no more, whether or not the rest of it could be saved.
void Delivery::remember() {
  std::vector<Id> done;
  bool whole = !error_;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (skip_[i] == Skip::discarded || (skip_[i] == Skip::no && saved_[i])) done.push_back(info_.files[i].file);
    whole = whole && skip_[i] != Skip::later;
  }
  job_.record->finish(info_.delivery, done, whole);
}

// What was followed of a delivery that is refused.
void discard_followed(const ReceiveJob& job, const DeliveryContents& contents,
                      const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of) {
  for (const auto& item : contents.items) {
    if (!outcome_of(item.info.file)) continue;
    const auto name = item.open ? without_age_ending(item.info.name) : item.info.name;
    if (auto partial = job.saver->begin(name, item.info.file, contents.shown.delivery)) partial->discard();
  }
}

}  // namespace

Result<SavedDelivery> save_delivery(const ReceiveJob& job, const wire::DeliveryInfo& delivery,
                                    const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of) {
  const auto contents = read_contents(job, delivery);
  if (!contents) return tl::unexpected(contents.error());
  if (auto admitted = admit(job, *contents); !admitted) {
    discard_followed(job, *contents, outcome_of);
    return tl::unexpected(admitted.error());
  }
  if (is_text(contents->shown)) return save_text(job, *contents);
  return Delivery(job, *contents, outcome_of).run();
}

}  // namespace qrx::receive
