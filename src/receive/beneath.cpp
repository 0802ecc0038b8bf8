#include "receive/beneath.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "receive/local_names.h"

namespace qrx::receive {
namespace {

// The same as open_beneath() for kernels before 5.6: directory by directory, none of them a link.
int walk_beneath(int root, const std::string& path, int flags) {
  UniqueFd directory;
  const auto parts = split_path(path);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "." || parts[i] == "..") {
      // As openat2(2) answers with RESOLVE_BENEATH.
      errno = EXDEV;
      return -1;
    }
    const int at = directory ? directory.get() : root;
    const int fd = open_at(at, parts[i].c_str(), i + 1 == parts.size() ? flags : O_RDONLY | O_DIRECTORY);
    if (fd < 0 || i + 1 == parts.size()) return fd;
    directory.reset(fd);
  }
  errno = ENOENT;
  return -1;
}

// The answers of file systems to a name that they cannot have: FAT, exFAT, CIFS, NTFS; and to one that is too long.
bool is_name_refused(int error) {
  return error == EINVAL || error == ENOENT || error == EILSEQ || error == ENAMETOOLONG || error == EIO;
}

}  // namespace

int open_at(int directory, const char* name, int flags, mode_t mode) {
  int fd;
  do fd = ::openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

int open_beneath(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  // RESOLVE_BENEATH stops ".." and absolute paths, also while directories are being moved; the other two stop links
  // that somebody planted there.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd;
  do fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  // EAGAIN: a rename or a mount elsewhere raced with the walk (openat2(2)); it is tried again.
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0 && errno == ENOSYS) return walk_beneath(root, path, flags);
  return static_cast<int>(fd);
}

UniqueFd open_directory_beneath(int root, const std::string& path) {
  return UniqueFd(path.empty() ? open_at(root, ".", O_RDONLY | O_DIRECTORY)
                               : open_beneath(root, path, O_RDONLY | O_DIRECTORY));
}

std::string directories_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

int rename_no_replace(int directory, const char* from, const char* to) {
  // One step: a check before a rename(2) would let another process put a file there in between, which would be lost.
  if (::renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return -1;
  // A file system that cannot (some network ones): a second name cannot replace either.
  // Until the second call the file has both names, which a crash leaves; none of them is lost.
  if (::linkat(directory, from, directory, to, 0) == 0) {
    (void)::unlinkat(directory, from, 0);  // the file has its name, whatever becomes of the other
    return 0;
  }
  if (errno == EEXIST) return -1;
  // No second names either (FAT, exFAT): what is replaced is an empty file of our own.
  // O_EXCL decides between two runs; the loser takes another number.
  const UniqueFd placeholder(open_at(directory, to, O_WRONLY | O_CREAT | O_EXCL, 0666));
  if (!placeholder) return -1;
  if (::renameat(directory, from, directory, to) == 0) return 0;
  const int error = errno;
  ::unlinkat(directory, to, 0);
  errno = error;
  return -1;
}

std::optional<std::string> with_a_name(const std::string& leaf, const std::function<bool(const std::string&)>& make) {
  if (make(leaf)) return leaf;
  const int error = errno;
  if (!is_name_refused(error)) return std::nullopt;
  // The bounds of encrypting and old file systems; most take 255 bytes.
  for (const std::size_t most : {190U, 143U, 100U}) {
    const std::string name = error == ENAMETOOLONG ? shortened_name(leaf, most) : leaf;
    if (name != leaf && make(name)) return name;
    if (name != leaf && !is_name_refused(errno)) return std::nullopt;
  }
  // First only the marks that Windows reserves; letters go last, since they are what people know the file by.
  for (const bool ascii : {false, true}) {
    const std::string name = portable_name(leaf, ascii);
    if (name != leaf && make(name)) return name;
    if (name != leaf && !is_name_refused(errno)) return std::nullopt;
  }
  errno = error;
  return std::nullopt;
}

UniqueFd make_probe(int directory) {
  // Without a name (O_TMPFILE), where the file system can do that: nothing is left by a kill.
  UniqueFd probe(open_at(directory, ".", O_RDWR | O_TMPFILE, 0600));
  // Here no other way would help.
  if (probe || errno == EACCES || errno == EROFS || errno == EPERM) return probe;
  // A kill right here leaves what Saver::remove_stale() removes.
  const std::string name = partial_name("probe", Id::random(), false);
  probe.reset(open_at(directory, name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  if (probe) ::unlinkat(directory, name.c_str(), 0);
  return probe;
}

bool is_ours(int directory, const struct stat& status) {
  static const uid_t own = ::geteuid();  // asked once: of thousands of files each would ask the system
  if (status.st_uid == own) return true;
  struct stat made {};
  const UniqueFd probe = make_probe(directory);
  return probe && ::fstat(probe.get(), &made) == 0 && made.st_uid == status.st_uid && made.st_uid != own;
}

bool read_all(int fd, const std::function<void(ByteView)>& take) {
  std::vector<std::byte> buffer(256U << 10);
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    take(ByteView(buffer).first(static_cast<std::size_t>(got)));
  }
}

}  // namespace qrx::receive
