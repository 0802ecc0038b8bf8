#include "receive/saver.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <vector>

#include "base/private_files.h"
#include "receive/beneath.h"
#include "receive/group_sync.h"
#include "receive/local_names.h"
#include "receive/room.h"

namespace qrx::receive {
namespace {

constexpr unsigned most_directory_numbers = 100;

void remove_part(int root, const std::string& part) {
  const std::string directories = directories_of(part);
  const UniqueFd directory = open_directory_beneath(root, directories);
  if (directory) ::unlinkat(directory.get(), part.c_str() + directories.size(), 0);
}

}  // namespace

Result<std::unique_ptr<Saver>> Saver::open(const std::string& output, OnConflict on_conflict, bool several) {
  std::unique_ptr<Saver> saver(new Saver);
  saver->on_conflict_ = on_conflict;
  const std::string path = output.empty() ? "." : output;
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (!there && errno != ENOENT) return fail_errno("cannot use " + path + " for output");

  std::string directory = path;
  if (!there && (several || path.back() == '/')) {
    // "-o dir/" and several files: the name can only mean a directory. EEXIST: another run made it just now.
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return fail_errno("cannot make the directory " + path);
  } else if (!there || !S_ISDIR(status.st_mode)) {
    if (there && on_conflict == OnConflict::refuse) return fail(Kind::exists, path + " already exists; not saved");
    const auto slash = path.rfind('/');
    directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    saver->file_name_ = slash == std::string::npos ? path : path.substr(slash + 1);
    // What no name can be. "." is a directory, and never comes here.
    if (saver->file_name_.empty() || saver->file_name_ == ".." || saver->file_name_.size() > 255)
      return fail(Kind::usage, "cannot save as " + path);
  }
  // Kept open for the whole run: whoever moves or replaces the directory meanwhile does not redirect what is saved.
  int fd;
  do fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("cannot open the directory " + directory);
  saver->root_.reset(fd);
  // Tried now: a receiver that waited for hours would otherwise fail at the first file.
  if (!make_probe(fd)) return fail_errno("cannot write to the directory " + directory);

  if (directory != "." || path.starts_with("./")) saver->shown_ = directory.back() == '/' ? directory : directory + "/";
  if (path == ".") saver->shown_.clear();
  return saver;
}

Result<void> Saver::make_directory() {
  if (!one_file()) return {};
  const bool made = ::mkdirat(root_.get(), file_name_.c_str(), 0777) == 0;
  if (!made && errno != EEXIST) return fail_errno("cannot make the directory " + file_name());
  UniqueFd directory(open_at(root_.get(), file_name_.c_str(), O_RDONLY | O_DIRECTORY));
  if (!directory && !made) return {};  // something else has the name, and keeps it
  if (!directory) return fail_errno("cannot open the directory " + file_name());
  root_ = std::move(directory);
  shown_ = file_name() + "/";
  file_name_.clear();
  return {};
}

bool Saver::is_stream(const std::string& output) {
  struct stat status {};
  if (output.empty() || ::stat(output.c_str(), &status) != 0) return false;
  return !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

// Opens the directory that a file goes to, making what is missing.
Result<Saver::Place> Saver::enter(const std::string& local_name) const {
  Place place;
  std::vector<std::string> parts = split_path(local_name);
  place.leaf = parts.back();
  parts.pop_back();
  for (const auto& part : parts) place.directories += part + "/";
  // Many files of one tree: their directory is looked up once.
  place.directory = open_.find(place.directories);
  if (place.directory) return place;
  if (UniqueFd directory = open_directory_beneath(root_.get(), place.directories)) {
    place.directory = open_.keep(place.directories, std::move(directory));
    return place;
  }
  // Not all of it is there: made part by part, from the top.
  place.directories.clear();
  UniqueFd directory(open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY));
  if (!directory) return fail_errno("cannot open the output directory");
  for (const auto& part : parts)
    if (auto done = descend(directory, place.directories, part); !done) return tl::unexpected(done.error());
  place.directory = open_.keep(place.directories, std::move(directory));
  return place;
}

// Into a directory that may have to be made. Something that is in the way (a file, a link) is left alone: the directory
// gets a number instead, as a file would, so that a planted link leads nowhere.
Result<void> Saver::descend(UniqueFd& directory, std::string& directories, const std::string& part) const {
  for (unsigned number = 0;; ++number) {
    const auto made = with_a_name(numbered_name(part, number), [&](const std::string& one) {
      return ::mkdirat(directory.get(), one.c_str(), 0777) == 0 || errno == EEXIST;
    });
    if (!made) return fail_errno("cannot make the directory " + shown_ + directories + part);
    // Never through a link: open_at() has O_NOFOLLOW.
    const int fd = open_at(directory.get(), made->c_str(), O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
      directory.reset(fd);
      directories += *made + "/";
      return {};
    }
    // A file, a link, or gone again. Anything else (no permission, no descriptors) another number does not change.
    if (errno != ELOOP && errno != ENOTDIR && errno != ENOENT)
      return fail_errno("cannot open the directory " + shown_ + directories + *made);
    if (on_conflict_ != OnConflict::rename)
      return fail(Kind::exists, shown_ + directories + *made + " is in the way: not a directory");
    if (number == most_directory_numbers)
      return fail(Kind::exists, "too many things are in the way of " + shown_ + directories + part);
  }
}

Result<PartialFile> Saver::begin(std::string_view wire_name, const Id& file, const Id& delivery) {
  // The name first: of two threads that save the same name one gets a number, before either has made a file.
  auto name = names_.reserve(name_for(wire_name), file, delivery);
  if (!name) return tl::unexpected(name.error());
  auto place = enter(*name);
  if (!place) return tl::unexpected(place.error());

  PartialFile partial;
  partial.names_ = &names_;
  partial.twins_ = &twins_;
  partial.shown_ = shown_;
  partial.id_ = file;
  partial.delivery_ = delivery;
  partial.directory_ = std::move(place->directory);
  partial.leaf_ = place->leaf;
  partial.part_ = partial_name(partial.leaf_, file);
  partial.name_ = place->directories + place->leaf;
  partial.reserved_ = std::move(*name);
  partial.on_conflict_ = on_conflict_;

  struct stat status {};
  // Asked now, and again at the rename, so that less is fetched in vain.
  if (on_conflict_ == OnConflict::refuse &&
      ::fstatat(partial.directory_->get(), partial.leaf_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return fail(Kind::exists, shown_ + partial.name_ + " already exists; not saved");

  if (auto opened = open_part(partial, *place, file); !opened) return tl::unexpected(opened.error());
  const std::string shown = shown_ + place->directories + partial.part_;
  if (::fstat(partial.file_.get(), &status) != 0) return fail_errno("cannot write " + shown);
  // st_nlink: a hard link to somebody else's file, planted under the partial's name, would have its bytes overwritten.
  // Links and devices likewise.
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1 || !is_ours(partial.directory_->get(), status))
    return fail(Kind::integrity, "cannot write " + shown + ": something that is not ours has this name");
  // Two runs that save the same file would write into each other's partial. The lock is gone with the process.
  if (::flock(partial.file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return fail(Kind::locked, "another process is saving " + shown_ + partial.name_);
  partial.device_ = status.st_dev;
  partial.inode_ = status.st_ino;
  partial.size_ = partial.flushed_ = static_cast<std::uint64_t>(status.st_size);
  names_.add_part(place->directories + partial.part_);
  return partial;
}

// Under the name that the file system takes; the target gets the like.
Result<void> Saver::open_part(PartialFile& partial, Place& place, const Id& file) const {
  const auto taken = with_a_name(place.leaf, [&](const std::string& leaf) {
    partial.part_ = partial_name(leaf, file, lasting_);
    // O_NONBLOCK: a named pipe that was planted there does not hold the run up.
    partial.file_.reset(open_at(partial.directory_->get(), partial.part_.c_str(), O_RDWR | O_CREAT | O_NONBLOCK, 0666));
    return static_cast<bool>(partial.file_);
  });
  if (!taken) return fail_errno("cannot write " + shown_ + place.directories + partial.part_);
  partial.leaf_ = place.leaf = *taken;
  partial.name_ = place.directories + *taken;
  return {};
}

std::string Saver::name_for(std::string_view wire_name) const {
  return one_file() ? file_name_ : safe_local_name(wire_name);
}

std::string Saver::part_of(std::string_view wire_name, const Id& file) const {
  const std::string name = name_for(wire_name);
  const std::string directories = directories_of(name);
  return directories + partial_name(name.substr(directories.size()), file, lasting_);
}

std::optional<std::uint64_t> Saver::held(std::string_view wire_name, const Id& file) const {
  struct stat status {};
  // A link on the way is followed here, which tells nothing and changes nothing.
  const bool there = ::fstatat(root_.get(), part_of(wire_name, file).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!there || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> Saver::check_room(std::uint64_t bytes, const std::string& doing) const {
  return receive::check_room(root_.get(), bytes, doing);
}

Result<void> Saver::discard_partial(std::string_view wire_name, const Id& file, const Id& delivery) {
  const std::string part = part_of(wire_name, file);
  struct stat status {};
  // A link on the way is followed here, which tells nothing and changes nothing.
  if (::fstatat(root_.get(), part.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
  auto partial = begin(wire_name, file, delivery);
  if (!partial) return tl::unexpected(partial.error());
  partial->discard();
  return {};
}

Result<void> Saver::rename(PartialFile& partial, std::string_view wire_name, const Id& file, const Id& delivery) {
  const auto reserved = names_.reserve(name_for(wire_name), file, delivery);
  if (!reserved) return tl::unexpected(reserved.error());
  if (*reserved == partial.reserved_) return {};
  // An empty partial where this one is to be, with all that begin() checks.
  auto target = begin(wire_name, file, delivery);
  if (!target) return tl::unexpected(target.error());
  return partial.move_to(std::move(*target));
}

void Saver::discard_parts() {
  for (const auto& part : names_.take_parts()) remove_part(root_.get(), part);
}

void Saver::remove_parts(const std::string& output, const std::set<std::string>& parts) {
  if (parts.empty()) return;
  UniqueFd root(::open(output.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // It names one file.
  if (!root) root.reset(::open(directories_of(output).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const auto& part : parts)
    if (root && is_partial(part.substr(directories_of(part).size()))) remove_part(root.get(), part);
}

void Saver::remove_stale() {
  const int fd = open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY);
  DIR* listing = fd < 0 ? nullptr : ::fdopendir(fd);
  if (!listing) return;
  while (const dirent* entry = ::readdir(listing)) {
    // Only those that no later run takes up (set_passing()).
    if (!is_passing_partial(entry->d_name)) continue;
    const UniqueFd file(open_at(fd, entry->d_name, O_RDWR | O_NONBLOCK));
    struct stat status {};
    // Its lock says that its run lives.
    if (file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && is_ours(fd, status) &&
        ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      ::unlinkat(fd, entry->d_name, 0);
  }
  ::closedir(listing);
}

Result<void> Saver::sync_names(const Id& delivery, GroupSync* together) {
  {
    const auto lock = twins_.lock();
    twins_.clear();
  }
  // A new name is durable when its directory is, and the directory's own name when the one above it is: each directory
  // up to the output directory may be new. Each once, however many lie in it.
  std::set<std::string> paths;
  for (std::string path : names_.take_unsynced(delivery))
    while (paths.insert(path).second && !path.empty()) path = directories_of(path.substr(0, path.size() - 1));
  // Something else may be mounted inside the output directory.
  std::map<dev_t, std::vector<const std::string*>> by_device;
  for (const auto& path : paths) {
    const UniqueFd fd = open_directory_beneath(root_.get(), path);
    struct stat status {};
    // A directory that was moved away meanwhile is its mover's business.
    if (fd && ::fstat(fd.get(), &status) == 0) by_device[status.st_dev].push_back(&path);
  }
  for (const auto& [device, group] : by_device) {
    // Opened again, and not kept open: there may be more of them than descriptors.
    const UniqueFd first = open_directory_beneath(root_.get(), *group.front());
    struct stat status {};
    const bool is_there = first && ::fstat(first.get(), &status) == 0 && status.st_dev == device;
    if (is_there && together != nullptr && together->sync(first.get(), group.size())) continue;
    for (const auto* path : group) {
      const UniqueFd fd = open_directory_beneath(root_.get(), *path);
      if (fd && ::fsync(fd.get()) != 0 && !cannot_sync(errno))
        return fail_errno("cannot make what is in " + (path->empty() && shown_.empty() ? "." : shown_ + *path) +
                          " durable");
    }
  }
  return {};
}

std::optional<std::string> Saver::find_saved(const std::string& name, std::uint64_t size, const Xxh128Sum& sum) const {
  const std::string directories = directories_of(name);
  for (unsigned number = 0; number < most_numbers; ++number) {
    const std::string relative = directories + numbered_name(name.substr(directories.size()), number);
    struct stat status {};
    if (const UniqueFd file = open_saved(relative);
        // The size first: most of what has this name is another file, and reading it would take long.
        file && ::fstat(file.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size) {
      Xxh128 running;
      if (read_all(file.get(), [&running](ByteView bytes) { running.update(bytes); }) && running.sum() == sum)
        return shown_ + relative;
    }
    // The first number that is free ends the row: publish() takes the lowest.
    if (::fstatat(root_.get(), relative.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) break;
  }
  return std::nullopt;
}

UniqueFd Saver::open_saved(const std::string& relative) const {
  UniqueFd file(open_beneath(root_.get(), relative, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) file.reset();
  return file;
}

std::optional<Sha256Sum> Saver::sha256_of(const std::string& path) const {
  const UniqueFd file = open_saved(path.substr(shown_.size()));
  Sha256 sum;
  if (!file || !read_all(file.get(), [&sum](ByteView bytes) { sum.update(bytes); })) return std::nullopt;
  return sum.sum();
}

}  // namespace qrx::receive
