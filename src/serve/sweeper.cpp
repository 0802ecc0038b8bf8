#include "serve/sweeper.h"

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
  changed_.notify_all();
  thread_.join();
}

void Sweeper::run() {
  std::unique_lock lock(mutex_);
  for (unsigned count = 0; !stopping_; ++count) {
    lock.unlock();
    site_.wake(site_.check_topic);
    if (count % beats == 0) sweep();
    lock.lock();
    changed_.wait_for(lock, beat, [this] { return stopping_; });
  }
}

void Sweeper::sweep() {
  const auto swept = site_.spaces.sweep();
  if (!swept) {
    // Said once: the clock stays wrong for as long as it likes.
    if (swept.error().kind != Kind::unavailable || !clock_jumped_)
      site_.log.error("sweep failed", {{"reason", swept.error().what}});
    clock_jumped_ = swept.error().kind == Kind::unavailable;
    return;
  }
  clock_jumped_ = false;
  if (swept->spaces + swept->uploads == 0) return;
  site_.log.info("swept", {{"spaces", std::to_string(swept->spaces)},
                           {"uploads", std::to_string(swept->uploads)},
                           {"bytes", std::to_string(swept->bytes)}});
}

}  // namespace qrx::serve
