#include "send/resume_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sstream>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "base/private_files.h"
#include "base/write_all.h"

namespace qrx::send {
namespace {

constexpr std::string_view first_line = "qrx-send 1";
constexpr std::string_view packs_word = " packs";
constexpr std::uint64_t most_bytes = 256U << 20;  // of a state file; a million sources are about 60 MiB

std::string fingerprint(const Source& source, bool sealed) {
  return std::to_string(source.size.value_or(0)) + " " + std::to_string(source.mtime_ns) + " " +
         std::to_string(source.device) + " " + std::to_string(source.inode) +
         (sealed ? " " + std::to_string(source.ctime_ns) : "");
}

// Time stamps of files move in ticks (4 ms on Linux before 6.13, up to 2 s on FAT and old NFS, which tell whole
// seconds): what was changed within the last one can change again without a sign. Its bytes must not be sealed a second
// time under the same secrets, so a later run takes it for changed.
bool may_change_unseen(const Source& source) {
  constexpr std::int64_t second = 1'000'000'000, tick = second / 100, coarse_tick = 2 * second;
  const std::int64_t now = system_clock().wall().time_since_epoch() / std::chrono::nanoseconds(1);
  return source.ctime_ns > now - (source.ctime_ns % second == 0 ? coarse_tick : tick);
}

std::optional<seal::Key> parse_seed(std::string_view text) {
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != seal::Key::size) return std::nullopt;
  seal::Key seed;
  std::copy(bytes->begin(), bytes->end(), seed.data());
  seal::wipe(std::as_writable_bytes(std::span(*bytes)));
  return seed;
}

}  // namespace

std::string ResumeState::file_name(const wire::DropLink& link, const SourceList& sources) {
  Sha256 hash;
  const auto add = [&hash](std::string_view text) {
    // A NUL between them: "a" + "bc" and "ab" + "c" are different sources.
    hash.update(as_bytes(text));
    hash.update(as_bytes(std::string_view("\0", 1)));
  };
  add(link.origin.url());
  add(link.guid.text());
  // Links with another key seal otherwise: what one of them began is of no use to the other.
  if (!link.key.empty()) add(link.key);
  for (const auto& source : sources.sources) {
    add(source.path);
    add(source.name);
  }
  return to_hex(hash.sum()).substr(0, 32) + ".state";
}

std::optional<ResumeState> ResumeState::load(const std::string& directory, const wire::DropLink& link,
                                             const SourceList& sources) {
  ResumeState state;
  state.path_ = directory + "/" + file_name(link, sources);
  state.file_ = open_private_file(state.path_, O_RDWR | O_APPEND);
  // In use by another run: this one begins a delivery of its own.
  if (!state.file_ || ::flock(state.file_.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  auto text = read_private_file(state.file_.get(), most_bytes);
  if (!text) return std::nullopt;

  std::istringstream lines(*text);
  std::string line;
  if (!std::getline(lines, line) || line != first_line) return std::nullopt;
  if (!std::getline(lines, line) || !line.starts_with("delivery ")) return std::nullopt;
  const auto delivery = Id::parse(std::string_view(line).substr(9));
  if (!delivery) return std::nullopt;
  state.delivery_ = *delivery;
  // Of a link with a key all is sealed by a seed; without it no byte of the earlier run could be made again.
  if (!link.key.empty()) {
    if (!std::getline(lines, line) || !line.starts_with("seal ")) return std::nullopt;
    std::string_view seed = std::string_view(line).substr(5);
    state.packs_ = seed.ends_with(packs_word);
    if (state.packs_) seed.remove_suffix(packs_word.size());
    state.seed_ = parse_seed(seed);
    if (!state.seed_) return std::nullopt;
  }
  for (const auto& source : sources.sources) {
    if (!std::getline(lines, line) || !line.starts_with("source ")) return std::nullopt;
    // Not compared by content: that would read all of it before the first byte is sent.
    state.changed_.push_back(std::string_view(line).substr(7) != fingerprint(source, state.seed_.has_value()));
  }
  state.uploads_.resize(sources.sources.size());
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word, text_id;
    std::size_t index = 0;
    // Another line, or one of a later version: what it says is not needed.
    if (!(words >> word >> index >> text_id) || word != "upload" || index >= state.uploads_.size()) continue;
    // A line cut short by a crash has no id.
    if (const auto id = Id::parse(text_id)) state.uploads_[index] = *id;
  }
  // What is appended next must not become a part of a line that was cut short.
  if (!text->ends_with('\n') && !write_all(state.file_.get(), "\n", state.path_)) return std::nullopt;
  return state;
}

Result<ResumeState> ResumeState::begin(const std::string& directory, const wire::DropLink& link,
                                       const SourceList& sources, const Id& delivery, const seal::Key* seed,
                                       bool packs) {
  if (auto made = make_private_directories(directory); !made) return tl::unexpected(made.error());
  ResumeState state;
  state.path_ = directory + "/" + file_name(link, sources);
  state.delivery_ = delivery;
  state.uploads_.resize(sources.sources.size());
  state.changed_.assign(sources.sources.size(), false);
  {
    const UniqueFd old = open_private_file(state.path_, O_RDONLY);
    if (old && ::flock(old.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      return fail(Kind::locked, "another qrx-send is sending the same files");
  }
  std::string text(first_line);
  text += "\ndelivery " + delivery.text() + "\n";
  if (seed != nullptr) {
    text += "seal " + to_hex(seed->view()) + (packs ? std::string(packs_word) : "") + "\n";
    state.seed_ = seed->clone();
    state.packs_ = packs;
  }
  for (const auto& source : sources.sources)
    text += "source " + fingerprint(source, seed != nullptr) +
            (seed != nullptr && may_change_unseen(source) ? " changing\n" : "\n");

  // Written aside and renamed: another run finds either the old file or a whole one. It is not synced: after a power
  // cut this run's state is lost, and the next run sends all of it again.
  const std::string draft = state.path_ + "." + Id::random().text().substr(0, 8);
  state.file_ = open_private_file(draft, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
  if (!state.file_) return fail_errno("cannot write " + draft);
  auto done = write_all(state.file_.get(), text, draft);
  // Locked before it has its name: between the two another run could take it for left behind.
  if (done && ::flock(state.file_.get(), LOCK_EX | LOCK_NB) != 0) done = fail_errno("cannot lock " + draft);
  if (done && ::rename(draft.c_str(), state.path_.c_str()) != 0) done = fail_errno("cannot write " + state.path_);
  if (!done) {
    static_cast<void>(::unlink(draft.c_str()));
    return tl::unexpected(done.error());
  }
  return state;
}

bool ResumeState::any_changed() const {
  return std::find(changed_.begin(), changed_.end(), true) != changed_.end();
}

Result<void> ResumeState::remember(std::size_t index, const Id& upload) {
  uploads_[index] = upload;
  // One write(2) of a file opened with O_APPEND: a crash leaves the whole line or a part, which load() passes over.
  return write_all(file_.get(), "upload " + std::to_string(index) + " " + upload.text() + "\n", path_);
}

void ResumeState::remove() {
  static_cast<void>(::unlink(path_.c_str()));  // what is left of it is found to be committed by the next run
  file_.reset();
}

}  // namespace qrx::send
