#include "cli/space/attended_work.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <thread>

#include "base/thrown.h"
#include "base/unique_fd.h"
#include "term/terminal.h"

namespace qrx::cli {

Result<bool> run_attended(const std::function<void()>& work, const Attention& attention) {
  const UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("cannot make an event descriptor");
  Result<void> worked;
  // The work is in its own thread; signals, window and server are looked after here. It is joined before this returns.
  std::thread worker([&] {
    worked = catching(work);
    const std::uint64_t one = 1;
    (void)!::write(done.get(), &one, sizeof one);
  });
  bool server_died = false;
  if (term::is_terminal(STDERR_FILENO)) term::watch_size();
  for (;;) {
    std::array<pollfd, 2> waits{{{done.get(), POLLIN, 0}, {term::resize_fd(), POLLIN, 0}}};
    // Once a second where something has to be looked at; a resize interrupts poll(2).
    const int ready = ::poll(waits.data(), waits.size(), attention.server || attention.each_second ? 1000 : -1);
    if (ready > 0 && waits[0].revents != 0) break;
    if (ready > 0 && waits[1].revents != 0) {
      // A window being dragged sends many: wait until it rests.
      while (term::take_resize()) (void)::poll(&waits[0], 1, 120);
      attention.resized();
    }
    if (attention.each_second) attention.each_second();
    if (attention.server && !server_died && !attention.server->running()) {
      // Once: whoever waits on it is interrupted.
      server_died = true;
      attention.server_died();
    }
  }
  worker.join();
  if (!worked) return tl::unexpected(worked.error());
  return server_died;
}

}  // namespace qrx::cli
