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
  // The terminal itself: stdin may hold the data, and stdout the result.
  asking.terminal_.reset(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!asking.terminal_)
    return fail(Kind::usage, std::string(what_for) + " needs a terminal to ask at, and there is none");
  return asking;
}

std::optional<std::string> Asking::answer_to(const std::string& prompt) {
  // What was typed before the question is no answer to it.
  ::tcflush(terminal_.get(), TCIFLUSH);
  if (!write_all(terminal_.get(), prompt)) return std::nullopt;
  std::string answer;
  for (;;) {
    // Also ends by a signal, which a blocking read would restart.
    std::array<pollfd, 2> waits{{{terminal_.get(), POLLIN, 0}, {ended_by_fd(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return std::nullopt;
    if (ended_by() != 0) {
      (void)write_all(terminal_.get(), "\n");
      return std::nullopt;
    }
    if (waits[0].revents == 0) continue;
    char c = 0;
    const ssize_t got = ::read(terminal_.get(), &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    if (c == '\n') return to_lower_ascii(trim(answer));
    if (answer.size() < 16) answer += c;
  }
}

bool Asking::yes(std::string_view question) {
  const auto word = answer_to(escape_untrusted(question) + " [y/N] ");
  return word == "y" || word == "yes";
}

Asking::Choice Asking::choose(std::string_view question) {
  constexpr std::string_view explained =
      "  y  save it\n"
      "  n  not now, as Enter: it is kept until it expires\n"
      "  d  discard it for good\n"
      "  a  save this and all that follow\n";
  if (!explained_) (void)write_all(terminal_.get(), explained);
  explained_ = true;
  for (;;) {
    const auto word = answer_to(escape_untrusted(question) + " [y/N/d/a] ");
    if (word == "a" || word == "all") all_ = true;
    if (all_ || word == "y" || word == "yes") return Choice::save;
    if (word == "d" || word == "discard") return Choice::discard;
    if (!word || word->empty() || word == "n" || word == "no") return Choice::later;
    (void)write_all(terminal_.get(), explained);
  }
}

}  // namespace qrx::cli
