#include "cli/link_words.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>

#include "base/thrown.h"
#include "seal/fingerprint.h"

namespace qrx::cli {

LinkWords::LinkWords(const wire::DropLink& link) : link_(link) {
  const auto work = [this] {
    // scrypt takes some 50 ms: the caller goes on meanwhile.
    words_ = catching([this] { return seal::fingerprint(link_.origin.authority(), link_.guid.text(), link_.key); });
  };
  // Signals are for the threads that wait for something.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    thread_ = std::thread(work);
  } catch (const std::system_error&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Without a thread it is done at once, and takes its time.
  if (!started) work();
}

LinkWords::~LinkWords() {
  if (thread_.joinable()) thread_.join();
}

const Result<std::string>& LinkWords::get() {
  if (thread_.joinable()) thread_.join();
  return words_;
}

}  // namespace qrx::cli
