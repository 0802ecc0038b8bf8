#include "term/progress.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "base/units.h"
#include "term/terminal.h"

namespace qrx::term {
namespace {

constexpr int least_columns = 40;
constexpr Millis least_pause{100};
constexpr Seconds plain_pause{10};  // between lines that stay
constexpr double time_constant_s = 3;
constexpr Millis sample{250};  // a rate over less is noise

void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // a progress line is not worth an error
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// "12.3 of 27.1 MiB" where both have one unit.
std::string amount(std::uint64_t bytes, std::optional<std::uint64_t> total) {
  const std::string have = format_size(bytes);
  if (!total) return have;
  const std::string all = format_size(*total);
  const auto unit = [](const std::string& text) { return text.substr(text.find(' ')); };
  if (unit(have) == unit(all)) return have.substr(0, have.find(' ')) + " of " + all;
  return have + " of " + all;
}

}  // namespace

void Rate::add(Steady now, std::uint64_t bytes_so_far) {
  // Less than before: another transfer, or one that had to go back.
  if (!last_ || bytes_so_far < bytes_) {
    last_ = now;
    bytes_ = bytes_so_far;
    return;
  }
  const auto passed = now - *last_;
  if (passed < sample) return;
  const double seconds = std::chrono::duration<double>(passed).count();
  const double current = static_cast<double>(bytes_so_far - bytes_) / seconds;
  // The first sample counts alone; later ones by their length, so that pauses between updates do not matter.
  const double weight = value_ == 0 ? 1 : 1 - std::exp(-seconds / time_constant_s);
  value_ += weight * (current - value_);
  last_ = now;
  bytes_ = bytes_so_far;
}

std::string progress_line(const Progress& progress, int columns) {
  if (columns < least_columns) return {};
  std::string percent;
  if (progress.total) {
    const double share =
        *progress.total == 0 ? 1 : static_cast<double>(progress.bytes) / static_cast<double>(*progress.total);
    // Never 100 % before the last byte.
    percent = fmt::format("{:3} %", static_cast<int>(share >= 1 ? 100 : std::min(share * 100, 99.0)));
  }
  std::string rate;
  std::string left;
  if (progress.rate >= 1) {
    rate = format_size(static_cast<std::uint64_t>(progress.rate)) + "/s";
    if (progress.total && *progress.total > progress.bytes) {
      const double seconds = static_cast<double>(*progress.total - progress.bytes) / progress.rate;
      // A hundred days: more is no estimate.
      if (seconds < 100.0 * 86400) left = format_duration(Seconds(static_cast<long long>(seconds) + 1)) + " left";
    }
  }
  const std::string bytes = amount(progress.bytes, progress.total);
  // What people need least goes first when the window is narrow.
  for (const int dropped : {0, 1, 2, 3}) {
    std::string facts;
    const auto add = [&](const std::string& fact) {
      if (!fact.empty()) facts += (facts.empty() ? "" : "  ") + fact;
    };
    add(percent);
    if (dropped < 3 || percent.empty()) add(bytes);
    if (dropped < 2) add(rate);
    if (dropped < 1) add(left);
    constexpr std::size_t least_label = 12;
    // The last column stays free: some terminals wrap when it is written.
    const auto room = static_cast<std::size_t>(columns - 1);
    const std::size_t label_width = std::min(display_width(progress.label), least_label);
    if (facts.size() + 2 + label_width > room && dropped < 3) continue;
    std::string label = progress.label;
    if (display_width(label) + 2 + facts.size() > room)
      label = std::string(front_of_width(label, room > facts.size() + 3 ? room - facts.size() - 3 : 0)) + "…";
    return label + "  " + facts;
  }
  return {};
}

ProgressLine::ProgressLine(int fd, bool shown, Clock& clock)
    : fd_(fd), shown_(shown), redrawn_(shown && moves_cursor()), clock_(clock) {}

void ProgressLine::update(std::string_view label, std::uint64_t bytes, std::optional<std::uint64_t> total) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  const Steady now = clock_.steady();
  rate_.add(now, bytes);
  if (!redrawn_) {
    said_.clear();
    if (!last_draw_) last_draw_ = now;  // what takes less is told by its end
    if (now - *last_draw_ < plain_pause) return;
    last_draw_ = now;
    const std::string line = progress_line({std::string(label), bytes, total, rate_.value()}, 80);
    return put(fd_, line + "\n");
  }
  const bool complete = total && bytes >= *total;
  // Not more often than the eye follows; but the last one always, or the line would end at 99 %.
  if (last_draw_ && now - *last_draw_ < least_pause && !complete) return;
  last_draw_ = now;
  const auto size = size_of(fd_);
  draw(progress_line({std::string(label), bytes, total, rate_.value()}, size ? size->columns : 80));
}

void ProgressLine::status(std::string_view text) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  if (!redrawn_) {
    // It is repeated after whatever was said meanwhile: there it still stands above.
    if (said_ == text) return;
    said_ = text;
    return put(fd_, said_ + "\n");
  }
  const auto size = size_of(fd_);
  const auto columns = static_cast<std::size_t>(size ? size->columns : 80);
  draw(std::string(front_of_width(text, columns - 1)));
}

void ProgressLine::clear() {
  if (!redrawn_) return;
  const std::lock_guard lock(mutex_);
  erase();
}

void ProgressLine::start_anew() {
  const std::lock_guard lock(mutex_);
  rate_ = Rate{};
  if (!redrawn_) last_draw_.reset();
}

void ProgressLine::draw(const std::string& line) {
  if (line.empty()) return erase();
  // Written over in place, and cleared behind: no flicker.
  put(fd_, "\r" + line + "\x1b[K");
  drawn_ = true;
}

void ProgressLine::erase() {
  if (drawn_) put(fd_, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace qrx::term
