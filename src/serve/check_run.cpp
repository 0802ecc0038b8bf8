#include "serve/check_run.h"

#include <exception>
#include <system_error>
#include <utility>

#include "serve/control_lines.h"

namespace qrx::serve {

void CheckLines::put(std::string line, bool last) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(line));
  last_was_put_ = last;
}

std::optional<std::string> CheckLines::take() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  std::string line = std::move(queue_.front());
  queue_.pop_front();
  return line;
}

bool CheckLines::ended() const {
  const std::lock_guard lock(mutex_);
  return last_was_put_ && queue_.empty();
}

std::shared_ptr<CheckLines> CheckRun::start() {
  const std::lock_guard lock(mutex_);
  if (running_) return nullptr;
  // It has said its last word: joining it takes no time, though the mutex is held.
  if (thread_.joinable()) thread_.join();
  auto lines = std::make_shared<CheckLines>();
  try {
    running_ = true;
    stop_ = lines->stop;
    thread_ = std::thread([this, lines] {
      run(*lines);
      running_ = false;
    });
  } catch (const std::system_error& error) {
    running_ = false;
    log_.error("a check could not start", {{"reason", error.what()}});
    return nullptr;
  }
  return lines;
}

// What is thrown here would end the server: it ends the check, and its reader is told.
void CheckRun::run(CheckLines& lines) {
  const auto say = [&](std::string line, bool last) {
    lines.put(std::move(line), last);
    wake_(topic);
  };
  Result<space::Spaces::Checked> result;
  try {
    result = spaces_.check([&say](const std::string& finding) { say(finding_line(finding), false); },
                           lines.stop.get_token());
  } catch (const std::exception& exception) {
    log_.error("a check failed", {{"reason", exception.what()}});
    result = fail(Kind::other, exception.what());
  }
  say(result_line(result), true);
}

void CheckRun::end() {
  {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
  }
  await();
}

void CheckRun::await() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace qrx::serve
