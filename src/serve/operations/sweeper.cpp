#include "serve/operations/sweeper.h"

#include <exception>

namespace qrx::serve {
namespace {

constexpr Seconds beat{5};     // also wakes a check, whose reader wants a sign of life
constexpr unsigned beats = 6;  // from one sweep to the next

}  // namespace

Sweeper::Sweeper(Site& site) : site_(site), thread_([this] { run(); }) {}

Sweeper::~Sweeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.request_stop();
  changed_.notify_all();
  thread_.join();
}

void Sweeper::run() {
  std::unique_lock lock(mutex_);
  for (unsigned count = 0; !stopping_; ++count) {
    lock.unlock();
    site_.wake(site_.check.topic);
    try {
      // Without the mutex, which the destructor takes before it asks this sweep to stop.
      if (count % beats == 0) sweep();
    } catch (const std::exception& exception) {  // short memory, mostly; the next sweep may find more
      site_.log.error("sweep failed", {{"reason", exception.what()}});
    }
    lock.lock();
    changed_.wait_for(lock, beat, [this] { return stopping_; });
  }
}

void Sweeper::sweep() {
  const auto swept = site_.spaces.sweep(stop_.get_token());
  std::string failures = swept ? std::string() : swept.error().what;
  if (swept)
    for (const std::string& failure : swept->failures) failures += (failures.empty() ? "" : "; ") + failure;
  // Said once: what is wrong stays so for as long as it likes.
  if (!failures.empty() && failures != told_ && !stop_.stop_requested())
    site_.log.error(swept ? "not everything could be deleted" : "sweep failed", {{"reason", failures}});
  told_ = std::move(failures);
  if (!swept || swept->spaces + swept->uploads == 0) return;
  site_.log.info("swept", {{"spaces", std::to_string(swept->spaces)},
                           {"uploads", std::to_string(swept->uploads)},
                           {"bytes", std::to_string(swept->bytes)}});
}

}  // namespace qrx::serve
