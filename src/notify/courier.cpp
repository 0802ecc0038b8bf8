#include "notify/courier.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "base/time_left.h"
#include "base/unique_fd.h"
#include "notify/protocol.h"
#include "process/child.h"

namespace qrx::notify {
namespace {

// Above what any transport takes (mail: 90 s, a command: 100 s), so that the helper says itself what went wrong.
constexpr std::chrono::seconds longest_notice{120};
constexpr Millis last_words{500};  // of a helper that is told nothing more: it ends by itself

// What the helper and its commands see of our environment: where programs and proxies are, no secrets.
std::vector<std::string> environment() {
  std::vector<std::string> out = {"LC_ALL=C.UTF-8"};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "https_proxy", "HTTPS_PROXY",
                           "no_proxy", "NO_PROXY"})
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  return out;
}

enum class Ending : std::uint8_t { line, closed, timed_out, interrupted };

}  // namespace

struct Courier::Impl {
  std::string helper;
  Settings settings;
  std::optional<process::Child> child;
  UniqueFd talk;  // a socket pair: writing to a helper that died gives EPIPE and no signal
  std::string unread;
  UniqueFd interruption{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable once interrupt() was called

  Result<void> start();
  bool tell(std::string_view text);
  Ending hear(std::string& line);
  void stop(bool at_once);
};

Result<void> Courier::Impl::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(Kind::unavailable, fail_errno("cannot start qrx-notify").value().what);
  talk.reset(ends[0]);
  // Closed with this function: the end of the other side shows when the helper has ended.
  const UniqueFd other(ends[1]);
  process::ChildPlan plan;
  plan.path = helper;
  plan.arguments = {"qrx-notify"};
  plan.environment = environment();
  plan.in = plan.out = other.get();
  plan.in_root = true;
  // ^C at the terminal ends the tool, which then knows what the helper still says.
  plan.own_group = true;
  plan.no_core = true;
  auto started = process::Child::start(plan);
  if (!started) return tl::unexpected(started.error());
  child = std::move(*started);
  unread.clear();
  return {};
}

bool Courier::Impl::tell(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::send(talk.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

Ending Courier::Impl::hear(std::string& line) {
  const Steady deadline = std::chrono::steady_clock::now() + longest_notice;
  for (;;) {
    if (const auto end = unread.find('\n'); end != std::string::npos) {
      line = unread.substr(0, end);
      unread.erase(0, end + 1);
      return Ending::line;
    }
    // An outcome is short; a helper that writes more is out of order.
    if (unread.size() > most_line_bytes) return Ending::closed;
    const int left = milliseconds_left(deadline);
    if (left == 0) return Ending::timed_out;
    pollfd waiting[] = {{talk.get(), POLLIN, 0}, {interruption.get(), POLLIN, 0}};
    const int ready = poll(waiting, 2, left);
    if (ready < 0 && errno != EINTR) return Ending::closed;
    if (ready <= 0) continue;
    // The answer first: what is there already counts, even after an interrupt.
    if (waiting[0].revents == 0) return Ending::interrupted;
    char buffer[4096];
    const ssize_t got = read(talk.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Ending::closed;
    unread.append(buffer, static_cast<std::size_t>(got));
  }
}

void Courier::Impl::stop(bool at_once) {
  // Its stdin ends, and with it the helper.
  talk.reset();
  if (child) child->end(at_once ? Millis{0} : last_words);
  child.reset();
}

Courier::Courier(std::string helper, Settings settings) : impl_(std::make_unique<Impl>()) {
  impl_->helper = std::move(helper);
  impl_->settings = std::move(settings);
}

Courier::~Courier() {
  impl_->stop(false);
}

bool Courier::has(wire::Channel channel) const {
  return is_on(impl_->settings, channel);
}

void Courier::interrupt() {
  const std::uint64_t once = 1;
  (void)!write(impl_->interruption.get(), &once, sizeof once);  // it only fails when it is readable already
}

Outcome Courier::send(const Notice& notice) {
  if (!has(notice.to.channel))
    return {
        Outcome::State::failed, "sending " + std::string(wire::to_text(notice.to.channel)) + " is not configured", {}};
  // A helper that ended while nothing was asked of it has taken nothing: a new one is asked. Once it took the notice
  // nothing is tried again here, since it may have been sent.
  bool told = false;
  for (int attempt = 0; attempt < 2 && !told; ++attempt) {
    if (!impl_->child) {
      if (const auto started = impl_->start(); !started) {
        const bool passes = started.error().kind == Kind::unavailable;
        return {passes ? Outcome::State::later : Outcome::State::failed, started.error().what, {}};
      }
      // Whether that worked shows with the notice.
      impl_->tell(to_line(impl_->settings));
    }
    told = impl_->tell(to_line(notice));
    if (!told) impl_->stop(false);
  }
  if (!told) return {Outcome::State::later, "cannot start " + impl_->helper, {}};
  std::string line;
  const Ending ending = impl_->hear(line);
  if (ending == Ending::line)
    if (auto outcome = read_outcome(line)) return *outcome;
  // After a silence the helper may still be sending: it is ended at once, so that its late answer is not taken for that
  // of the next notice.
  impl_->stop(ending != Ending::closed);
  if (ending == Ending::interrupted) return {Outcome::State::unknown, "the server ended while it was being sent", {}};
  return {Outcome::State::unknown,
          ending == Ending::timed_out ? "no answer within two minutes" : "the sending program ended before it answered",
          {}};
}

}  // namespace qrx::notify
