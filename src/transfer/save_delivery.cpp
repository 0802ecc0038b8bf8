#include <algorithm>
#include <deque>
#include <system_error>

#include "transfer/answers.h"
#include "transfer/receive_job.h"

namespace qrx::transfer {
namespace {

constexpr std::size_t buffer_bytes = 256U << 10;
constexpr std::uint64_t most_small_bytes = 256U << 10;
constexpr std::size_t most_posted = 16;
constexpr std::uint64_t most_posted_bytes = 1U << 20;

Error damaged(const std::string& name) {
  return {Kind::integrity, name + " arrived damaged, twice: its checksum differs", {}};
}

// One delivery while its files are fetched by several threads.
class Delivery {
 public:
  Delivery(const ReceiveJob& job, const wire::DeliveryInfo& info,
           const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of)
      : job_(job), info_(info), outcome_of_(outcome_of), saved_(info.files.size()), skip_(info.files.size(), false) {}

  Result<SavedDelivery> run();

  // For the workers. Thread-safe.
  std::vector<std::size_t> take_task();
  bool failed();
  void fail_with(const Error& error);
  void saved(std::size_t index, SavedFile file);

  const ReceiveJob& job_;
  const wire::DeliveryInfo& info_;
  const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of_;

 private:
  void ask();
  void plan();

  std::mutex mutex_;
  std::deque<std::vector<std::size_t>> tasks_;  // several small files, or one large
  std::vector<std::optional<SavedFile>> saved_;
  std::vector<bool> skip_;  // declined
  std::size_t told_ = 0;    // files before this one were reported
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
      const auto done = is_small(task.front()) ? save_small(task) : save_large(task.front());
      if (!done) return delivery_.fail_with(done.error());
    }
  }

 private:
  const wire::FileInfo& file(std::size_t index) const { return delivery_.info_.files[index]; }
  bool is_small(std::size_t index) const { return file(index).size <= most_small_bytes; }

  Result<void> save_small(const std::vector<std::size_t>& task);
  Result<void> get_small(std::deque<std::size_t>& left);
  Result<void> keep_small(std::size_t index, const std::string& bytes);
  Result<void> save_large(std::size_t index);
  Result<void> fetch(PartialFile& partial, const wire::FileInfo& info, RunningSums& sums);
  bool saved_before(std::size_t index);
  Result<void> publish(std::size_t index, PartialFile& partial, const Sums& sums);

  Delivery& delivery_;
  const ReceiveJob& job_;
  OwnerClient client_;
  std::vector<std::byte> buffer_;
};

// A run that was killed after it had published this file.
bool Worker::saved_before(std::size_t index) {
  const wire::FileInfo& info = file(index);
  const auto name = job_.record->name_of(info.file);
  if (!name) return false;
  const auto path = job_.saver->find_saved(*name, info.size, info.xxh128);
  if (!path) return false;
  std::optional<Sha256Sum> sha;
  if (job_.options.sha256) {
    sha = job_.saver->sha256_of(*path);
    if (!sha) return false;
  }
  job_.tally.arrived(info.file, info.size);
  delivery_.saved(index, SavedFile{*path, info, sha, delivery_.info_.delivery});
  return true;
}

Result<void> Worker::publish(std::size_t index, PartialFile& partial, const Sums& sums) {
  const wire::FileInfo& info = file(index);
  job_.record->add(info.file, partial.name());
  auto path = partial.publish();
  if (!path) return tl::unexpected(path.error());
  delivery_.saved(index, SavedFile{std::move(*path), info, sums.sha256, delivery_.info_.delivery});
  return {};
}

Result<void> Worker::keep_small(std::size_t index, const std::string& bytes) {
  const wire::FileInfo& info = file(index);
  RunningSums sums(job_.options.sha256);
  sums.update(as_bytes(bytes));
  const Sums got = sums.sums();
  if (bytes.size() != info.size || got.xxh128 != info.xxh128) return tl::unexpected(damaged(info.name));
  auto partial = job_.saver->begin(info.name, info.file, delivery_.info_.delivery);
  if (!partial) return tl::unexpected(partial.error());
  if (partial->size() > 0)
    if (auto emptied = partial->truncate(0); !emptied) return emptied;
  if (auto written = partial->write(as_bytes(bytes)); !written) return written;
  job_.tally.arrived(info.file, info.size);
  return publish(index, *partial, got);
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
  Patience patience = job_.patience();
  std::optional<std::size_t> damaged_once;
  while (!left.empty() && !delivery_.failed()) {
    const auto before = left.size();
    const auto got = get_small(left);
    if (got) break;
    const auto asked = client_.asked_pause();
    client_.close();
    if (left.size() < before) {
      patience.progress();
      if (is_temporary(got.error().kind) && !asked && !job_.interrupt.raised()) continue;
    }
    if (got.error().kind == Kind::integrity && !left.empty() && damaged_once != left.front()) {
      damaged_once = left.front();
      continue;
    }
    if (auto go_on = patience.wait(got.error(), asked); !go_on) return go_on;
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
  Patience patience = job_.patience();
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

// Files are reported in the delivery's order, whatever the order they come in.
void Delivery::saved(std::size_t index, SavedFile file) {
  const std::lock_guard lock(mutex_);
  saved_[index] = std::move(file);
  while (told_ < saved_.size() && (skip_[told_] || saved_[told_])) {
    if (!skip_[told_]) job_.tally.saved(*saved_[told_]);
    ++told_;
  }
}

void Delivery::ask() {
  for (std::size_t i = 0; i < info_.files.size(); ++i) {
    skip_[i] = !job_.tally.accept(info_, info_.files[i]);
    if (!skip_[i]) job_.tally.expect(info_.files[i].file, info_.files[i].name, info_.files[i].size, false);
    else job_.tally.forget(info_.files[i].file);
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
  for (std::size_t i = 0; i < info_.files.size(); ++i) {
    if (skip_[i]) continue;
    const std::uint64_t size = info_.files[i].size;
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
  const auto wanted = static_cast<std::size_t>(std::count(skip_.begin(), skip_.end(), false));
  if (job_.saver->one_file() && wanted > 1)
    return fail(Kind::usage, "the delivery has " + std::to_string(wanted) + " files, but one file name was given for the output",
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
  if (error_) return tl::unexpected(*error_);
  if (!settled) return tl::unexpected(settled.error());

  SavedDelivery out;
  out.info = info_;
  for (std::size_t i = 0; i < info_.files.size(); ++i) {
    job_.tally.forget(info_.files[i].file);
    if (skip_[i]) out.declined.push_back(info_.files[i].name);
    else out.files.push_back(std::move(*saved_[i]));
  }
  return out;
}

}  // namespace

Result<SavedDelivery> save_delivery(const ReceiveJob& job, const wire::DeliveryInfo& delivery,
                                    const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of) {
  return Delivery(job, delivery, outcome_of).run();
}

}  // namespace qrx::transfer
