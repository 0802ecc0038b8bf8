#include "cli/share/send_claims.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/private_files.h"
#include "cli/places.h"

namespace qrx::cli {
namespace {

Result<std::string> directory_of_claims() {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/shares";
}

// For a moment each: those who begin a claim hold it together, who looks for what was left holds it alone. Between
// making a file and locking it a claim looks like one that was left. Beside the directory, which NFS could not lock.
Result<UniqueFd> gate_of(const std::string& directory, int how) {
  const std::string path = directory + ".lock";
  UniqueFd gate = open_private_file(path, O_RDWR | O_CREAT);
  if (!gate) return fail_errno("cannot write " + path);
  while (::flock(gate.get(), how) != 0)
    if (errno != EINTR) return fail_errno("cannot lock " + path);
  return gate;
}

// Its holder unlinked it after it was opened here.
bool is_gone(const UniqueFd& file) {
  struct stat info {};
  return ::fstat(file.get(), &info) != 0 || info.st_nlink == 0;
}

std::string prefix_of(const std::string& directory, const Guid& space) {
  return directory + "/" + space.text() + ".";
}

}  // namespace

Result<SendClaim> SendClaim::begin(const Guid& space, const Id& share) {
  const auto directory = directory_of_claims();
  if (!directory) return tl::unexpected(directory.error());
  if (auto made = make_private_directories(*directory); !made) return tl::unexpected(made.error());
  const auto gate = gate_of(*directory, LOCK_SH);
  if (!gate) return tl::unexpected(gate.error());
  const std::string path = prefix_of(*directory, space) + share.text();
  UniqueFd file;
  do {
    file = open_private_file(path, O_RDWR | O_CREAT);
    if (!file) return fail_errno("cannot write " + path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return fail(Kind::locked, "another qrx-share is notifying this recipient");
      return fail_errno("cannot lock " + path);
    }
    // Between opening and locking, the run that held it may have removed it: then this is a file without a name.
  } while (is_gone(file));
  // Durable before the notice is sent: after a power cut the claim tells that it may have been.
  const UniqueFd parent(::open(directory->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto synced = [](const UniqueFd& fd) { return fd && (::fsync(fd.get()) == 0 || cannot_sync(errno)); };
  if (!synced(file) || !synced(parent)) return fail_errno("cannot write " + path);
  return SendClaim(path, std::move(file));
}

void SendClaim::note(std::string_view outcome) {
  (void)!::pwrite(lock_.get(), outcome.data(), outcome.size(), 0);  // without it the outcome is unknown to the next run
}

void SendClaim::end() {
  ::unlink(path_.c_str());
  lock_.reset();
}

Result<std::vector<LeftClaim>> left_claims(const Guid& space) {
  std::vector<LeftClaim> out;
  const auto directory = directory_of_claims();
  if (!directory) return tl::unexpected(directory.error());
  if (::access(directory->c_str(), F_OK) != 0) return out;
  const auto gate = gate_of(*directory, LOCK_EX);
  if (!gate) return tl::unexpected(gate.error());
  const std::string prefix = prefix_of(*directory, space);
  for (const std::string& path : entries_of(*directory)) {
    const auto share =
        path.starts_with(prefix) ? Id::parse(std::string_view(path).substr(prefix.size())) : std::nullopt;
    if (!share) continue;
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    // Locked by a run that lives: not left. The lock stays with `out`, so that no other run takes it.
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || is_gone(file)) continue;
    char noted[16];
    const ssize_t got = ::read(file.get(), noted, sizeof noted);
    out.push_back(
        {*share, got > 0 ? std::string(noted, static_cast<std::size_t>(got)) : std::string(), path, std::move(file)});
  }
  return out;
}

void LeftClaim::forget() {
  ::unlink(path_.c_str());
}

}  // namespace qrx::cli
