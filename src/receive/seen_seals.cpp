#include "receive/seen_seals.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/private_files.h"
#include "base/write_all.h"

namespace qrx::receive {
namespace {

constexpr std::string_view ending = ".seals";
constexpr std::size_t tag_digits = 32, id_digits = 26;
// A newline on both sides: appended() writes one before what it appends, which may be one line.
constexpr std::size_t line_bytes = 1 + tag_digits + 1 + id_digits + 1;
constexpr std::uint64_t most_file_bytes = SeenSeals::most_tags * line_bytes;

std::string line_of(const std::array<std::uint8_t, 16>& tag, const Id& delivery) {
  return to_hex(as_bytes(tag)) + " " + delivery.text() + "\n";
}

}  // namespace

// While it lives no other process changes the file. Where files cannot be locked, each run is alone.
class SeenSeals::Locked {
 public:
  // Until the file that is locked is the one that has the name: another process may have replaced it in between
  // (rewrite()).
  Locked(SeenSeals& seals, bool create) : seals_(seals) {
    while (!seals_.path_.empty()) {
      if (!seals_.file_)
        if (auto opened = seals_.open(create); !opened) seals_.give_up(opened.error());
      if (!seals_.file_) return;
      int done;
      // Waits: others hold it for one write and its sync. REQUIRES: mutex_ is held, so one thread of this process at a
      // time.
      do done = ::flock(seals_.file_.get(), LOCK_EX);
      while (done != 0 && errno == EINTR);
      struct stat status {};
      if (::fstat(seals_.file_.get(), &status) != 0 || status.st_nlink > 0) return;
      seals_.file_.reset();  // meanwhile another process wrote it anew
    }
  }
  ~Locked() {
    if (seals_.file_) static_cast<void>(::flock(seals_.file_.get(), LOCK_UN));
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  SeenSeals& seals_;
};

std::size_t SeenSeals::TagHash::operator()(const Tag& tag) const {
  std::size_t hash;  // the bytes are random already
  std::memcpy(&hash, tag.data(), sizeof hash);
  return hash;
}

SeenSeals::SeenSeals(std::string directory, const Guid& space, std::function<void(const std::string&)> notice)
    : directory_(std::move(directory)), notice_(std::move(notice)) {
  if (!directory_.empty()) path_ = directory_ + "/" + space.text() + std::string(ending);
}

Result<void> SeenSeals::open(bool create) {
  // All of it is read again; what is known already is passed over by remember(). Whether it is durable nobody knows.
  read_ = 0;
  unsynced_ = true;
  file_ = open_private_file(path_, O_RDWR | O_NONBLOCK | O_APPEND);
  if (!file_ && errno == ENOENT) {
    if (!create) return {};
    if (auto made = make_private_directories(directory_); !made) return made;
    drop_oldest_spaces();
    file_ = open_private_file(path_, O_RDWR | O_NONBLOCK | O_APPEND | O_CREAT);
    // The name is durable before the first line is: else a loss of power could take back what claim(durable) promised.
    if (file_) sync_directory(directory_);
  }
  if (!file_) return fail_errno("cannot write " + path_);
  struct stat status {};
  if (::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    static_cast<void>(::futimens(file_.get(), nullptr));  // it is in use
    return {};
  }
  file_.reset();
  return fail(Kind::other, "cannot write " + path_ + ": it is no file");
}

void SeenSeals::give_up(const Error& error) {
  path_.clear();
  // Once said, and from then on only this run is remembered.
  file_.reset();
  if (notice_) notice_(error.what + "; a later run will not notice when the server shows a sealed delivery again");
}

std::optional<SeenSeals::Tag> SeenSeals::parse_tag(std::string_view text) {
  Tag tag;
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != tag.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), tag.begin());
  return tag;
}

bool SeenSeals::known_elsewhere(std::span<const Tag> tags, const Id& delivery) const {
  return std::any_of(tags.begin(), tags.end(), [&](const Tag& tag) {
    const auto known = deliveries_.find(tag);
    return known != deliveries_.end() && known->second != delivery;
  });
}

void SeenSeals::drop_known(std::vector<Tag>& tags) const {
  std::erase_if(tags, [this](const Tag& tag) { return deliveries_.contains(tag); });
}

void SeenSeals::remember(const Tag& tag, const Id& delivery) {
  if (!deliveries_.try_emplace(tag, delivery).second) return;
  order_.push_back(tag);
  if (order_.size() <= most_tags) return;
  // Half of them at once: one by one the file would have to be written anew each time.
  for (std::size_t i = 0; i < most_tags / 2; ++i) {
    deliveries_.erase(order_.front());
    order_.pop_front();
  }
}

void SeenSeals::read_line(std::string_view line) {
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return;
  const auto tag = parse_tag(line.substr(0, blank));
  const auto delivery = Id::parse(line.substr(blank + 1));
  if (tag && delivery) remember(*tag, *delivery);
}

// What other runs wrote since.
void SeenSeals::catch_up() {
  if (!file_) return;
  const std::uint64_t before = read_;
  auto read = read_new_lines(file_.get(), read_, line_bytes, [this](std::string_view line) { read_line(line); });
  if (read_ != before) unsynced_ = true;
  if (!read) give_up({read.error().kind, read.error().what + " " + path_, {}});
}

// What is still remembered, in a file that takes the place of the long one.
Result<void> SeenSeals::rewrite() {
  std::string text;
  text.reserve(order_.size() * line_bytes);
  for (const Tag& tag : order_) text += line_of(tag, deliveries_.at(tag));
  // Replaced as a whole: a crash in between leaves the long file, which is right, too.
  if (auto written = replace_private_file(path_, text); !written) return written;
  return open(false);
}

// REQUIRES: locked, all of the file is known, and so are the tags.
Result<void> SeenSeals::append(std::span<const Tag> tags, const Id& delivery) {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("cannot write " + path_);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size + tags.size() * line_bytes > most_file_bytes) return rewrite();
  std::string lines;
  lines.reserve(tags.size() * line_bytes);
  for (const Tag& tag : tags) lines += line_of(tag, delivery);
  lines = appended(lines);
  unsynced_ = true;
  if (auto written = write_all(file_.get(), lines, path_); !written) return written;
  // These need not be read back. Behind a line that a crash cut short they are: its end is not known.
  if (read_ == size) read_ += lines.size();
  return {};
}

Result<void> SeenSeals::sync() {
  if (::fdatasync(file_.get()) != 0 && !cannot_sync(errno)) return fail_errno("cannot make " + path_ + " durable");
  unsynced_ = false;
  return {};
}

bool SeenSeals::take(const Id& delivery, std::span<const std::string> texts, bool durable) {
  std::vector<Tag> tags;
  tags.reserve(texts.size());
  for (const auto& text : texts)
    if (const auto tag = parse_tag(text)) tags.push_back(*tag);
  if (tags.empty()) return true;
  const std::lock_guard lock(mutex_);
  // A tag stays with the delivery that has it, whatever other processes do: of what is known the file says nothing new.
  if (known_elsewhere(tags, delivery)) return false;
  drop_known(tags);
  if (tags.empty() && !(durable && unsynced_)) return true;
  const Locked locked(*this, true);
  catch_up();
  // What another process took since the last look counts, too.
  if (known_elsewhere(tags, delivery)) return false;
  drop_known(tags);
  // In memory first: when the file cannot be written, at least this run knows.
  for (const Tag& tag : tags) remember(tag, delivery);
  if (!file_) return true;
  Result<void> done;
  if (!tags.empty()) done = append(tags, delivery);
  // Also for those that were known: a line may stand in the file since a moment ago, without a sync.
  if (done && durable && unsynced_) done = sync();
  if (!done) give_up(done.error());
  return true;
}

void SeenSeals::remove() {
  const std::lock_guard lock(mutex_);
  file_.reset();
  if (!path_.empty()) static_cast<void>(remove_private_file(path_));  // what stays is known to nobody
}

void SeenSeals::drop_oldest_spaces() const {
  namespace fs = std::filesystem;
  std::vector<std::pair<fs::file_time_type, fs::path>> records;
  std::error_code error;
  // By error codes: another process may remove a record meanwhile, which is as good.
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() == ending) records.emplace_back(entry->last_write_time(ignored), entry->path());
  }
  if (records.size() < most_spaces) return;
  std::sort(records.begin(), records.end());
  // One less than the most: a new one is about to be made.
  records.resize(records.size() - (most_spaces - 1));
  for (const auto& [used, path] : records) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

Error shown_again(const std::string& name) {
  return {Kind::integrity, name + " was received before: the server shows it again, as another delivery",
          "to send a file made by age a second time, encrypt it anew"};
}

}  // namespace qrx::receive
