#include "send/sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/unique_fd.h"
#include "wire/names.h"

namespace qrx::send {
namespace {

// Far deeper than trees are; each level keeps a directory open, and names end at 4,096 bytes anyway.
constexpr std::size_t most_depth = 200;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), std::free);
  return resolved ? std::optional<std::string>(resolved.get()) : std::nullopt;
}

std::string last_part(const std::string& path) {
  auto end = path.size();
  while (end > 0 && path[end - 1] == '/') --end;
  const auto slash = end == 0 ? std::string::npos : path.rfind('/', end - 1);
  const auto begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end - begin);
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory.empty() || directory.back() == '/' ? directory + name : directory + "/" + name;
}

// Whether a file ends where its size says. Where it does not (/proc says 0, /sys a page), only reading tells.
Result<bool> ends_at_its_size(int fd, const std::string& shown, std::uint64_t size) {
  char byte = 0;
  const auto at = [&](std::uint64_t offset) { return ::pread(fd, &byte, 1, static_cast<off_t>(offset)); };
  // Its last byte is there, and none behind it.
  if ((size == 0 || at(size - 1) == 1) && at(size) == 0) return true;
  // EAGAIN: it has nothing to say just now. ESPIPE: it is read in order only.
  if (at(0) < 0 && errno != EAGAIN && errno != ESPIPE && errno != EINTR) return fail_errno("cannot read " + shown);
  return false;
}

// Where the size of a file is where it ends. On other file systems, and on those behind a network, only reading tells.
bool tells_true_sizes(int fd) {
  constexpr long xfs_magic = 0x58465342;  // statfs(2) names it; linux/magic.h did not before Linux 5.17
  struct statfs found {};
  if (::fstatfs(fd, &found) != 0) return false;
  const auto type = static_cast<long>(found.f_type);
  return type == EXT4_SUPER_MAGIC || type == xfs_magic || type == BTRFS_SUPER_MAGIC || type == TMPFS_MAGIC;
}

// A file as it is opened: by its name in a directory that is open, so that its path is not gone along again for each.
struct Place {
  int directory = AT_FDCWD;
  std::string name;  // in it; or a path
};

Source regular_source(std::string path, std::string name, const struct stat& status) {
  Source source;
  source.regular = true;
  source.path = std::move(path);
  source.name = std::move(name);
  source.size = static_cast<std::uint64_t>(status.st_size);
  source.modified = wire::kept_time(status.st_mtim.tv_sec);
  source.executable = (status.st_mode & S_IXUSR) != 0;
  source.mtime_ns = nanoseconds_of(status.st_mtim);
  source.ctime_ns = nanoseconds_of(status.st_ctim);
  source.device = status.st_dev;
  source.inode = status.st_ino;
  return source;
}

bool is_stream(const struct stat& status) {
  return !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISSOCK(status.st_mode);
}

// Which argument --name is for.
Result<std::size_t> to_be_named(const std::vector<std::string>& arguments) {
  std::optional<std::size_t> found;
  std::size_t streams = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    struct stat status {};
    const bool stream = arguments[i] == "-" || (::stat(arguments[i].c_str(), &status) == 0 && is_stream(status));
    if (!stream) continue;
    found = i;
    ++streams;
  }
  // "qrx-send --name x a.txt -": the stream has no name of its own, so it is the one that is meant.
  if (streams == 1) return *found;
  if (arguments.size() == 1) return std::size_t{0};
  return fail(Kind::usage, "--name names one thing, and there are " +
                               std::to_string(streams > 0 ? streams : arguments.size()) + " that it could be for");
}

// What cannot be sent is noted, and the search goes on; once stopped() every step ends.
class Finder {
 public:
  explicit Finder(const FindOptions& options) : options_(options) {}

  void argument(const std::string& given, const std::optional<std::string>& name);
  bool stopped() const { return options_.stopped && options_.stopped(); }
  SourceList take() { return std::move(list_); }

 private:
  void add(Source source, const std::string& shown);
  bool tells_true_sizes_at(int fd, std::uint64_t device);
  void add_file(const Place& place, const std::string& path, const std::string& given, const std::string& name,
                const struct stat& status);
  void walk(const std::string& directory, const std::string& name, std::size_t depth);
  void entry(const Place& place, const std::string& path, const std::string& name, std::size_t depth, bool& any);
  void link(const std::string& path, const std::string& name);
  void skip(const std::string& path, const char* why) {
    list_.warnings.push_back(shown(path) + " is not sent: " + why);
  }
  void wrong(const tl::unexpected<Error>& error) { list_.errors.push_back(error.value()); }
  // A path within the tree as the user gave the tree.
  std::string shown(const std::string& path) const {
    return path.size() < root_.size() ? path : given_root_ + path.substr(root_.size());
  }

  const FindOptions& options_;
  SourceList list_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::unordered_map<std::uint64_t, bool> true_sizes_;  // of the file system of a device
  std::string root_;        // real path of the tree that is walked, without a slash at its end: "" for "/"
  std::string given_root_;  // the same as it was given
};

void Finder::add(Source source, const std::string& shown) {
  if (std::string name = wire::sendable_name(source.name); name != source.name) {
    list_.renamed.push_back({shown, name});
    source.name = std::move(name);
  }
  if (auto fine = wire::check_name(source.name); !fine)
    return wrong(fail(Kind::integrity, "cannot send " + shown + ": " + fine.error().what, "rename it first"));
  // The receiver would save one over the other.
  const auto [it, added] = by_name_.try_emplace(source.name, list_.sources.size());
  if (!added) {
    const Source& other = list_.sources[it->second];
    // The same file given twice is sent once.
    if (source.regular && other.regular && other.device == source.device && other.inode == source.inode) return;
    return wrong(fail(Kind::usage, "cannot send both " + (other.path == "-" ? "standard input" : other.path) + " and " +
                                       shown + ": both would be named " + source.name));
  }
  if (source.size) list_.known_bytes += *source.size;
  if (source.stream) list_.has_stream = true;
  list_.sources.push_back(std::move(source));
}

bool Finder::tells_true_sizes_at(int fd, std::uint64_t device) {
  const auto [known, is_new] = true_sizes_.try_emplace(device, false);
  if (is_new) known->second = tells_true_sizes(fd);
  return known->second;
}

void Finder::add_file(const Place& place, const std::string& path, const std::string& given, const std::string& name,
                      const struct stat& status) {
  // Opened here already: what cannot be read is said before anything is sent.
  const UniqueFd file(::openat(place.directory, place.name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return wrong(fail_errno("cannot read " + given));
  Source source = regular_source(path, name, status);
  const auto sized = tells_true_sizes_at(file.get(), source.device) ? Result<bool>(true)
                                                                    : ends_at_its_size(file.get(), given, *source.size);
  if (!sized) return wrong(tl::unexpected(sized.error()));
  if (!*sized) {
    source.stream = true;
    source.size.reset();
  }
  add(std::move(source), given);
}

void Finder::argument(const std::string& given, const std::optional<std::string>& wanted) {
  Source source;
  source.stream = true;
  if (given == "-") {
    source.path = "-";
    source.name = wanted.value_or("stdin");
    return add(std::move(source), "standard input");
  }
  if (given.empty()) return wrong(fail(Kind::usage, "an empty file name was given"));
  struct stat status {};
  if (::stat(given.c_str(), &status) != 0) return wrong(fail_errno("cannot read " + given));
  std::string name = last_part(given);
  // "." and ".." are named as the directories that they are.
  if (name.empty() || name == "." || name == "..") name = last_part(real_path(given).value_or(""));
  if (wanted) name = *wanted;

  if (S_ISDIR(status.st_mode)) {
    const auto real = real_path(given);
    if (!real) return wrong(fail_errno("cannot read " + given));
    root_ = *real == "/" ? "" : *real;
    given_root_ = given;
    while (given_root_.ends_with('/')) given_root_.pop_back();
    return walk(*real, name, 0);
  }
  if (S_ISREG(status.st_mode)) {
    // As cat(1) has it.
    if (given.back() == '/') return wrong(fail(Kind::other, "cannot read " + given + ": not a directory"));
    const auto real = real_path(given);
    if (!real) return wrong(fail_errno("cannot read " + given));
    return add_file({AT_FDCWD, *real}, *real, given, name, status);
  }
  if (S_ISSOCK(status.st_mode)) return wrong(fail(Kind::usage, "cannot send " + given + ": it is a socket"));
  // Absolute, as the state file is found by it, and nothing here depends on a later chdir(2).
  source.path = given.starts_with('/') ? given : joined(real_path(".").value_or("."), given);
  source.name = name;
  add(std::move(source), given);
}

void Finder::walk(const std::string& directory, const std::string& name, std::size_t depth) {
  if (depth > most_depth)
    return wrong(fail(Kind::usage, "cannot send " + shown(directory) + ": too many directories within each other"));
  const std::unique_ptr<DIR, CloseDirectory> open(::opendir(directory.c_str()));
  if (!open) return wrong(fail_errno("cannot read " + shown(directory)));
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(open.get());
    if (found == nullptr) {
      if (errno != 0) wrong(fail_errno("cannot read " + shown(directory)));
      break;
    }
    const std::string_view entry_name = found->d_name;
    if (entry_name != "." && entry_name != "..") names.emplace_back(entry_name);
  }
  // Always the same order, so that the next run finds its sources by their index.
  std::sort(names.begin(), names.end());
  bool any = false;
  for (const auto& child : names) {
    if (stopped()) return;
    entry({::dirfd(open.get()), child}, joined(directory, child), joined(name, child), depth, any);
  }
  if (!any) skip(directory, "no file is in it");
}

// `any` becomes true when something of it is sent, or was skipped with a warning of its own.
void Finder::entry(const Place& place, const std::string& path, const std::string& name, std::size_t depth, bool& any) {
  struct stat status {};
  if (::fstatat(place.directory, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;  // deleted since the directory was read
    any = true;
    return wrong(fail_errno("cannot read " + shown(path)));
  }
  any = true;
  if (S_ISDIR(status.st_mode)) return walk(path, name, depth + 1);
  if (S_ISREG(status.st_mode)) return add_file(place, path, shown(path), name, status);
  if (S_ISLNK(status.st_mode)) return link(path, name);
  skip(path, "it is neither a file nor a directory");
}

void Finder::link(const std::string& path, const std::string& name) {
  struct stat status {};
  const auto real = real_path(path);
  // Out of the directory: a link to /etc/passwd, or to the home directory above; nobody asked to send that. To a
  // directory: such links can go round for ever.
  if (!real || ::stat(real->c_str(), &status) != 0)
    skip(path, "a link that leads nowhere");
  else if (*real != root_ && !real->starts_with(root_ + "/"))
    skip(path, "a link out of the directory");
  else if (!S_ISREG(status.st_mode))
    skip(path, S_ISDIR(status.st_mode) ? "a link to a directory" : "a link to no file");
  else
    add_file({AT_FDCWD, *real}, *real, shown(path), name, status);
}

}  // namespace

std::int64_t nanoseconds_of(const timespec& time) {
  // Unsigned: a year beyond 2262 wraps around in place of overflowing, and is still only compared.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
                                   static_cast<std::uint64_t>(time.tv_nsec));
}

wire::FileProperties properties_of(const Source& source, bool preserve) {
  return {source.modified, preserve && source.executable};
}

Result<SourceList> find_sources(const std::vector<std::string>& arguments, const FindOptions& options) {
  std::optional<std::size_t> named;
  if (options.name) {
    const auto one = to_be_named(arguments);
    if (!one) return tl::unexpected(one.error());
    if (auto fine = wire::check_name(wire::sendable_name(*options.name)); !fine)
      return fail(Kind::usage, "--name: " + fine.error().what);
    named = *one;
  }
  Finder finder(options);
  for (std::size_t i = 0; i < arguments.size() && !finder.stopped(); ++i)
    finder.argument(arguments[i], named == i ? options.name : std::nullopt);
  if (finder.stopped()) return fail(Kind::unavailable, "interrupted");
  SourceList list = finder.take();
  if (list.sources.empty() && list.errors.empty()) return fail(Kind::usage, "nothing to send: no file was found");
  return list;
}

Result<SourceList> source_in_memory(int memory, const std::string& name) {
  struct stat status {};
  if (::fstat(memory, &status) != 0) return fail_errno("cannot read " + name);
  SourceList list;
  // /proc/self/fd: so that it is opened and read as any other file.
  list.sources.push_back(regular_source("/proc/self/fd/" + std::to_string(memory), name, status));
  list.sources[0].executable = false;  // the mode of what is in memory says nothing
  list.known_bytes = *list.sources[0].size;
  return list;
}

}  // namespace qrx::send
