#include "cli/space/unsaved.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/private_files.h"
#include "base/text.h"
#include "base/units.h"
#include "base/write_all.h"
#include "cli/counts.h"
#include "cli/places.h"
#include "cli/space/json_record.h"

namespace qrx::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view own_prefix = "own-";
constexpr std::string_view named_prefix = "run-";
constexpr std::string_view temporary_prefix = "qrx-";  // before the others, among other people's files
constexpr std::size_t most_parts_bytes = 16 * 1024;    // of the names that are remembered: a record takes 64 KiB

std::string temporary_directory() {
  const char* given = std::getenv("TMPDIR");
  return given && *given && ::access(given, W_OK | X_OK) == 0 ? given : "/tmp";
}

UniqueFd open_lock(const std::string& directory) {
  return open_private_file(directory + "/lock", O_RDWR | O_CREAT);
}

bool take_lock(const UniqueFd& file, bool wait) {
  int taken;
  do taken = file ? ::flock(file.get(), LOCK_EX | (wait ? 0 : LOCK_NB)) : -1;
  while (taken != 0 && errno == EINTR);
  return taken == 0;
}

// Held while a directory is made and while left ones are looked for: a new one, not locked yet, is not taken for one
// that was left. Always before the lock of a directory.
UniqueFd lock_parent(const std::string& parent) {
  UniqueFd file = open_private_file(parent + "/runs.lock", O_RDWR | O_CREAT);
  if (!take_lock(file, true)) file.reset();
  return file;
}

// On a full disk a directory can still be made, and nothing be kept in it: neither the record nor what a server holds.
Result<void> check_room(const std::string& directory, bool own) {
  const std::string path = directory + "/room";
  const UniqueFd file = open_private_file(path, O_WRONLY | O_CREAT | O_EXCL);
  // 1 MiB: a new catalog with its log and its reserve. The record takes 64 KiB at most.
  auto written = file ? write_all(file.get(), std::string(own ? 1U << 20 : 64U << 10, '\0'), path)
                      : fail_errno("cannot write " + path);
  ::unlink(path.c_str());
  return written;
}

Result<std::string> make_in(const std::string& parent, const std::string& prefix, bool own, UniqueFd& lock) {
  // Where no guard is, somebody who looks for left ones may be faster than our lock, and remove it.
  for (int attempt = 0;; ++attempt) {
    std::string path = parent + "/" + prefix + "XXXXXX";
    if (!::mkdtemp(path.data())) return fail_errno("cannot make a directory in " + parent);
    lock = open_lock(path);
    if (take_lock(lock, false)) {
      auto room = check_room(path, own);
      if (room) return path;
      std::error_code ignored;
      fs::remove_all(path, ignored);
      return tl::unexpected(room.error());
    }
    if (attempt == 3) return fail_errno("cannot lock " + path);
  }
}

bool holds_copies(const std::string& directory) {
  std::error_code error;
  return fs::exists(directory + "/copies", error);
}

// What was committed has a blob (store/file_blobs.h), unless it is a text or an empty file.
bool has_blobs(const std::string& directory) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory + "/data/blobs", error), end; !error && at != end;
       at.increment(error))
    if (!at->is_directory(error)) return true;
  // What cannot be read is not known to be empty.
  return error && error != std::errc::no_such_file_or_directory;
}

// Encoded, for a path may be any bytes, with a blank between two.
std::string write_parts(const std::set<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) {
    const std::string word = percent_encode_segment(part) + ' ';
    if (text.size() + word.size() > most_parts_bytes) break;
    text += word;
  }
  return text;
}

std::set<std::string> read_parts(const std::string& text) {
  std::set<std::string> parts;
  std::istringstream words(text);
  for (std::string word, part; words >> word;)
    if (percent_decode(word, part)) parts.insert(part);
  return parts;
}

std::optional<UnsavedSpace> read_unsaved(const std::string& directory) {
  const auto members = RecordMembers::read(directory + "/space.json");
  if (!members) return std::nullopt;
  const auto link = wire::parse_owner_link(members->text("owner"));
  const auto expires = from_rfc3339(members->text("expires"));
  if (!link || !expires) return std::nullopt;
  std::string target;  // encoded, for a path may be any bytes
  if (!percent_decode(members->text("target"), target)) return std::nullopt;
  UnsavedSpace space{*link,
                     members->text("key"),
                     *expires,
                     std::move(target),
                     members->truth("own"),
                     members->truth("keep"),
                     members->truth("ask"),
                     members->truth("require"),
                     read_parts(members->text("parts")),
                     std::nullopt};
  if (members->has("deliveries"))
    space.left = UnsavedSpace::Left{members->number("deliveries"), members->number("files"), members->number("bytes")};
  return space;
}

// Its link was shown to nobody: the record is written before.
bool has_record(const std::string& directory) {
  std::error_code error;
  // What cannot be looked at may be there.
  return fs::exists(directory + "/space.json", error) || (error && error != std::errc::no_such_file_or_directory);
}

// When even the longest expiry of a default server is over.
bool is_stale(const std::string& directory) {
  std::error_code error;
  const auto changed = fs::last_write_time(directory, error);
  return !error && fs::file_time_type::clock::now() - changed > std::chrono::hours(8 * 24);
}

// Ours alone: in a directory for everybody's temporary files anybody may have made it.
bool is_private(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & 077) == 0;
}

std::vector<std::string> candidates(const std::string& parent, std::string_view before) {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code error;
  for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(before)) continue;
    name.erase(0, before.size());
    if (!name.starts_with(own_prefix) && !name.starts_with(named_prefix)) continue;
    std::error_code ignored;
    if (is_private(at->path().string())) found.emplace_back(at->last_write_time(ignored), at->path().string());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

}  // namespace

Result<RunDirectory> RunDirectory::make(bool own) {
  const std::string prefix(own ? own_prefix : named_prefix);
  UniqueFd lock;
  std::optional<Error> full;
  if (const auto state = state_dir(); state && make_private_directories(*state)) {
    const UniqueFd guard = lock_parent(*state);
    auto path = make_in(*state, prefix, own, lock);
    if (path) return RunDirectory(std::move(*path), std::move(lock));
    full = path.error();
  }
  auto path = make_in(temporary_directory(), std::string(temporary_prefix) + prefix, own, lock);
  // What keeps it from the state directory is what the user can mend.
  if (!path) return tl::unexpected(full.value_or(path.error()));
  return RunDirectory(std::move(*path), std::move(lock));
}

Result<RunDirectory> RunDirectory::lasting(const std::string& path) {
  if (auto made = make_private_directories(path); !made) return tl::unexpected(made.error());
  UniqueFd lock = open_lock(path);
  if (!lock) return fail_errno("cannot write " + path + "/lock");
  if (!take_lock(lock, false)) return fail(Kind::locked, path + " is in use by another run");
  return RunDirectory(path, std::move(lock));
}

void RunDirectory::remove() {
  std::error_code ignored;
  // The record last: of what cannot be removed as a whole the next run still knows what it is.
  if (!path_.empty()) fs::remove_all(path_ + "/data", ignored);
  if (!path_.empty()) fs::remove_all(path_, ignored);
  path_.clear();
}

Result<void> write_unsaved(const RunDirectory& directory, const UnsavedSpace& space) {
  JsonRecord record;
  record.text("owner", space.link.text())
      .text("key", space.key)
      .text("expires", to_rfc3339(space.expires))
      .text("target", percent_encode_segment(space.target))
      .truth("own", space.own)
      .truth("keep", space.keep)
      .truth("ask", space.ask)
      .truth("require", space.require)
      .text("parts", write_parts(space.parts));
  if (space.left)
    record.number("deliveries", space.left->deliveries)
        .number("files", space.left->files)
        .number("bytes", space.left->bytes);
  return record.write(directory.path() + "/space.json");
}

Result<void> mark_copies(const RunDirectory& directory) {
  return replace_private_file(directory.path() + "/copies", "");
}

std::vector<RunDirectory> left_directories() {
  std::vector<RunDirectory> left;
  const auto look = [&left](const std::string& parent, std::string_view before) {
    for (auto& path : candidates(parent, before)) {
      // Without a guard there may be one that is being made: its lock is tried after it was found.
      UniqueFd lock = open_lock(path);
      if (take_lock(lock, false)) left.push_back(RunDirectory(std::move(path), std::move(lock)));
    }
  };
  if (const auto state = state_dir(); state && ::access(state->c_str(), W_OK) == 0) {
    const UniqueFd guard = lock_parent(*state);
    look(*state, "");
  }
  look(temporary_directory(), temporary_prefix);
  return left;
}

std::vector<LeftRun> left_runs() {
  std::vector<LeftRun> left;
  for (auto& directory : left_directories()) {
    const std::string& path = directory.path();
    const bool own = fs::path(path).filename().string().find(own_prefix) != std::string::npos;
    const bool empty = !own || !has_blobs(path);
    auto space = read_unsaved(path);
    if (holds_copies(path) || (empty && !has_record(path)))
      directory.remove();
    else if (is_stale(path) && (!space || (own && empty && space->expires < system_clock().wall())))
      directory.remove();  // expired, or nobody can fetch what is in it
    else if (space)
      left.push_back({std::move(directory), std::move(*space)});
  }
  return left;
}

void clear_left_runs() {
  static_cast<void>(left_runs());
}

std::string place_of(const std::string& output, bool stream) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  if (output == "-") return "-" + here.string();
  fs::path path = (here / (output.empty() ? "." : output)).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "in/" is "in"
  return (stream ? "-" : "") + path.string();
}

bool is_stream_place(const std::string& place) {
  return place.starts_with("-");
}

std::string shown_place(const std::string& place) {
  return is_stream_place(place) ? "standard output" : place;
}

std::string describe_left(const UnsavedSpace::Left& left) {
  // A delivery without a file is a text.
  if (left.files == 0) return left.deliveries == 1 ? "a text" : std::to_string(left.deliveries) + " texts";
  return (left.deliveries == 1 ? "1 delivery" : std::to_string(left.deliveries) + " deliveries") + " (" +
         count_of_files(left.files) + ", " + format_size(left.bytes) + ")";
}

}  // namespace qrx::cli
