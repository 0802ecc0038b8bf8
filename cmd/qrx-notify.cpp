// qrx-notify: the private helper that sends notices. Started by Courier (src/notify/courier.h); reads the settings and
// then notices from its stdin and answers with outcomes on its stdout (src/notify/protocol.h). Ends with its input.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>

#include "base/write_all.h"
#include "notify/make_transport.h"
#include "notify/protocol.h"

namespace {

using namespace qrx;
using namespace qrx::notify;

constexpr int exit_nonsense = 2;

// A line without its newline; false at the end of the input.
bool read_line(std::string& unread, std::string& line) {
  for (;;) {
    if (const auto end = unread.find('\n'); end != std::string::npos) {
      line = unread.substr(0, end);
      unread.erase(0, end + 1);
      return true;
    }
    if (unread.size() > most_line_bytes) return false;
    char buffer[8192];
    const ssize_t got = ::read(0, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    unread.append(buffer, static_cast<std::size_t>(got));
  }
}

class Post {
 public:
  explicit Post(Settings settings) : settings_(std::move(settings)) {}

  Outcome send(const Notice& notice) {
    // The caller has checked it. Still, what does not read back as the same recipient is not handed on.
    const auto again = wire::parse_recipient(wire::to_text(notice.to));
    if (!again || *again != notice.to) return failed("malformed recipient");
    for (const char c : notice.link)
      if (c <= 0x20 || c >= 0x7F || c == '"' || c == '<' || c == '>') return failed("malformed link");
    auto made = transports_.find(notice.to.channel);
    if (made == transports_.end())
      made = transports_.emplace(notice.to.channel, make_transport(notice.to.channel, settings_)).first;
    if (!made->second) {
      const Outcome outcome = failed(made->second.error().what);
      transports_.erase(made);  // the next notice finds what was set right meanwhile
      return outcome;
    }
    return (*made->second)->send(notice);
  }

 private:
  Settings settings_;
  std::map<wire::Channel, MadeTransport> transports_;
};

}  // namespace

int main() {
  // Passwords and links are in memory here: no core, no debugger of another user's process.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  signal(SIGPIPE, SIG_IGN);
  std::string unread;
  std::string line;
  if (!read_line(unread, line)) return exit_nonsense;
  auto settings = read_settings(line);
  if (!settings || !check_settings(*settings)) return exit_nonsense;
  Post post(std::move(*settings));
  while (read_line(unread, line)) {
    const auto notice = read_notice(line);
    if (!notice) return exit_nonsense;
    if (!write_all(STDOUT_FILENO, to_line(post.send(*notice)))) return 1;
  }
  return 0;
}
