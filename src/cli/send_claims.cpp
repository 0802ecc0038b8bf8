#include "cli/send_claims.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "cli/places.h"

namespace qrx::cli {
namespace {

Result<std::string> directory_of_claims() {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/shares";
}

std::string name_of(const Guid& space, const Id& share) {
  return space.text() + "." + share.text();
}

}  // namespace

Result<SendClaim> SendClaim::begin(const Guid& space, const Id& share) {
  const auto directory = directory_of_claims();
  if (!directory) return tl::unexpected(directory.error());
  if (auto made = make_private_dir(*directory); !made) return tl::unexpected(made.error());
  const std::string path = *directory + "/" + name_of(space, share);
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("cannot write " + path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Kind::locked, "another qrx-share is telling this recipient");
    return fail_errno("cannot lock " + path);
  }
  const UniqueFd parent(::open(directory->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(file.get()) != 0 || ::fsync(parent.get()) != 0) return fail_errno("cannot write " + path);
  return SendClaim(path, std::move(file));
}

void SendClaim::note(std::string_view outcome) {
  (void)!::pwrite(lock_.get(), outcome.data(), outcome.size(), 0);  // without it the outcome is unknown to the next run
}

void SendClaim::end() {
  ::unlink(path_.c_str());
  lock_.reset();
}

std::vector<LeftClaim> left_claims(const Guid& space) {
  std::vector<LeftClaim> out;
  const auto directory = directory_of_claims();
  if (!directory) return out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(*directory, error)) {
    const std::string name = entry.path().filename();
    const auto share = name.starts_with(space.text() + ".")
                           ? Id::parse(std::string_view(name).substr(space.text().size() + 1))
                           : std::nullopt;
    if (!share) continue;
    const UniqueFd file(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    char noted[16];
    const ssize_t got = ::read(file.get(), noted, sizeof noted);
    out.push_back({*share, got > 0 ? std::string(noted, static_cast<std::size_t>(got)) : std::string()});
  }
  return out;
}

void forget_left_claim(const Guid& space, const Id& share) {
  if (const auto directory = directory_of_claims()) ::unlink((*directory + "/" + name_of(space, share)).c_str());
}

}  // namespace qrx::cli
