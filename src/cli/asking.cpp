#include "cli/asking.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.h"
#include "base/write_all.h"
#include "cli/signals.h"

namespace qrx::cli {

Result<Asking> Asking::open(std::string_view what_for) {
  Asking asking;
  asking.terminal_.reset(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!asking.terminal_)
    return fail(Kind::usage, std::string(what_for) + " needs a terminal to ask at, and there is none");
  return asking;
}

bool Asking::yes(std::string_view question, bool offer_all) {
  // What was typed before the question is no answer to it.
  ::tcflush(terminal_.get(), TCIFLUSH);
  if (!write_all(terminal_.get(), escape_untrusted(question) + (offer_all ? " [y/N/a] " : " [y/N] "))) return false;
  std::string answer;
  for (;;) {
    std::array<pollfd, 2> waits{{{terminal_.get(), POLLIN, 0}, {ended_by_fd(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return false;
    if (ended_by() != 0) {
      (void)write_all(terminal_.get(), "\n");
      return false;
    }
    if (waits[0].revents == 0) continue;
    char c = 0;
    const ssize_t got = ::read(terminal_.get(), &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    if (c == '\n') break;
    if (answer.size() < 16) answer += c;
  }
  const std::string word = to_lower_ascii(trim(answer));
  if (offer_all && (word == "a" || word == "all")) all_ = true;
  return word == "y" || word == "yes" || all_;
}

}  // namespace qrx::cli
