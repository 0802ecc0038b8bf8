#include "cli/share/space_source.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/text.h"
#include "cli/signals.h"
#include "wire/json_line.h"
#include "wire/limits.h"

namespace qrx::cli {

Result<std::optional<wire::OwnerLink>> SpaceSource::next() {
  if (holds_ == Holds::link) return std::nullopt;
  // A link is one line; events are read as long as they come.
  for (;;) {
    const auto line = next_line();
    if (!line) return tl::unexpected(line.error());
    const std::string_view text = *line ? trim(**line) : std::string_view();
    if (holds_ == Holds::unknown) {
      if (text.empty()) return fail(Kind::usage, "there is neither an owner link nor an event on standard input");
      holds_ = text.front() == '{' ? Holds::events : Holds::link;
    }
    if (holds_ == Holds::link) {
      auto link = wire::parse_owner_link(text);
      if (!link) return tl::unexpected(link.error());
      return std::move(*link);
    }
    if (!*line) break;
    if (text.empty()) continue;
    const auto delivered = take_event(text);
    if (!delivered) return tl::unexpected(delivered.error());
    if (!*delivered) continue;
    delivered_ = true;
    return space_;
  }
  if (!delivered_) return fail(Kind::other, "nothing was delivered: there is nothing to share");
  return std::nullopt;
}

// Byte by byte, so that nothing is taken of what follows.
Result<std::optional<std::string>> SpaceSource::next_line() const {
  std::string line;
  for (;;) {
    char byte = 0;
    pollfd waits[2] = {{fd_, POLLIN, 0}, {ended_by_fd(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return fail_errno("cannot read standard input");
    if (ended_by() != 0) return fail(Kind::unavailable, "interrupted");
    const ssize_t got = ::read(fd_, &byte, 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno("cannot read standard input");
    if (got == 0) return line.empty() ? std::nullopt : std::optional(std::move(line));
    if (byte == '\n') return line;
    line += byte;
    if (line.size() > wire::most_event_bytes)
      return fail(Kind::usage, "standard input holds neither an owner link nor events");
  }
}

// Whether it tells of a delivery.
Result<bool> SpaceSource::take_event(std::string_view line) {
  auto members = wire::read_json_line(line);
  if (!members) return fail(Kind::usage, "standard input holds no events of qrx-recv --json: " + members.error().what);
  auto& member = *members;
  if (member["event"] == "space") {
    auto owner = wire::parse_owner_link(member["owner"]);
    if (!owner) return fail(Kind::usage, "the event \"space\" on standard input holds no owner link");
    space_ = std::move(*owner);
  }
  if (member["event"] != "delivered") return false;
  if (!space_) return fail(Kind::usage, "standard input tells of a delivery before it names a space");
  return true;
}

// Its writer (qrx-recv in the same pipeline) must not be ended by a closed pipe, or be held up by a full one. The
// thread ends with the process.
void SpaceSource::let_run() const {
  if (holds_ != Holds::events) return;
  std::thread([fd = fd_] {
    char dropped[4096];
    ssize_t got = 0;
    do got = ::read(fd, dropped, sizeof dropped);
    while (got > 0 || (got < 0 && errno == EINTR));
  }).detach();
}

}  // namespace qrx::cli
