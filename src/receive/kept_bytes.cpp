#include "receive/kept_bytes.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/private_files.h"
#include "base/write_all.h"

namespace qrx::receive {
namespace {

constexpr std::string_view ending = ".part";

std::string front_of(const ReceiveJob& job) {
  return job.options.state_dir + "/" + job.link.name.text() + ".";
}

std::string path_of(const ReceiveJob& job, const Id& file) {
  return front_of(job) + file.text() + std::string(ending);
}

}  // namespace

std::optional<KeptBytes> KeptBytes::open(const ReceiveJob& job, const Id& id) {
  if (job.options.state_dir.empty() || !make_private_directories(job.options.state_dir)) return std::nullopt;
  std::string path = path_of(job, id);
  // O_NONBLOCK: a named pipe that was planted there does not hold the run up.
  UniqueFd file = open_private_file(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK);
  struct stat info {};
  if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  auto bytes = read_private_file(file.get(), most_kept_bytes);
  if (!bytes) {
    static_cast<void>(::unlink(path.c_str()));
    return std::nullopt;
  }
  return KeptBytes(std::move(path), std::move(file), std::move(*bytes));
}

std::string KeptBytes::take() {
  return std::exchange(bytes_, {});
}

void KeptBytes::append(ByteView bytes) {
  // A gap would be worse than nothing.
  if (file_ && !write_all(file_.get(), as_text(bytes))) remove();
}

void KeptBytes::remove() {
  if (file_) static_cast<void>(::unlink(path_.c_str()));
  file_.reset();
}

void KeptBytes::remove(const ReceiveJob& job, const Id& file) {
  if (!job.options.state_dir.empty()) static_cast<void>(::unlink(path_of(job, file).c_str()));
}

void KeptBytes::remove_all(const ReceiveJob& job) {
  if (job.options.state_dir.empty()) return;
  const std::string front = front_of(job);
  for (const std::string& path : entries_of(job.options.state_dir))
    // Another run with the same link may be using it.
    if (path.starts_with(front) && path.ends_with(ending))
      if (const UniqueFd file = open_private_file(path, O_RDONLY); file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
        static_cast<void>(::unlink(path.c_str()));
}

}  // namespace qrx::receive
