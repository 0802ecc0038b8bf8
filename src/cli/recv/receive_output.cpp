#include "cli/recv/receive_output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

#include "term/terminal.h"

namespace qrx::cli {

receive::OnConflict on_conflict_of(std::string_view text) {
  if (text == "refuse") return receive::OnConflict::refuse;
  if (text == "overwrite") return receive::OnConflict::overwrite;
  return receive::OnConflict::rename;
}

Result<ReceiveOutput> ReceiveOutput::open(const std::string& output, receive::OnConflict on_conflict, bool several) {
  ReceiveOutput out;
  if (output == "-") return out;
  if (receive::Saver::is_stream(output)) {
    out.stream_.reset(::open(output.c_str(), O_WRONLY | O_CLOEXEC));
    if (!out.stream_) return fail_errno("cannot write to " + output);
    // As for stdout: escape sequences of strangers would act there.
    if (term::is_terminal(out.stream_.get()))
      return fail(Kind::usage, "-o " + output + " would write what strangers send to the terminal",
                  "name a file or a directory");
    return out;
  }
  auto saver = receive::Saver::open(output, on_conflict, several);
  if (!saver) return tl::unexpected(saver.error());
  out.saver_ = std::move(*saver);
  return out;
}

void ReceiveOutput::set_passing() {
  if (saver_) saver_->set_passing();
}

void ReceiveOutput::discard_parts() {
  if (saver_) saver_->discard_parts();
}

std::set<std::string> ReceiveOutput::parts() const {
  return saver_ ? saver_->parts() : std::set<std::string>{};
}

void ReceiveOutput::remove_stale() {
  if (saver_) saver_->remove_stale();
}

bool ReceiveOutput::closed() const {
  // POLLERR: the reader of a pipe has gone. Asked after a failure, to tell that from others.
  pollfd reader{stream_ ? stream_.get() : STDOUT_FILENO, POLLOUT, 0};
  return !saver_ && ::poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0;
}

Result<receive::Received> ReceiveOutput::fill(receive::Receiver& receiver) {
  if (saver_) return receiver.run(*saver_);
  return receiver.run(stream_ ? stream_.get() : STDOUT_FILENO);
}

}  // namespace qrx::cli
