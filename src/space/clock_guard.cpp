#include "space/clock_guard.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>

namespace qrx::space {
namespace {

// An hour: far beyond what NTP corrects and what steady clocks drift, far below what an expiry is worth.
constexpr auto clock_jump = Millis(3600 * 1000);

// Wall and steady time of one moment, to see whether both went on alike since.
struct Moment {
  std::int64_t wall = 0, steady = 0;
};

bool agree(const Moment& then, const Moment& now) {
  const std::int64_t limit = clock_jump.count();
  // The steady clock begins anew when the machine does; how long it was off is not known then.
  if (now.steady < then.steady) return now.wall >= then.wall - limit;
  const std::int64_t difference = (now.wall - then.wall) - (now.steady - then.steady);
  return difference <= limit && difference >= -limit;
}

// The last moment that was trusted and, while the clock is in doubt, the moment since when it has been steady again.
struct ClockNote {
  Moment trusted;
  std::optional<Moment> doubted;

  std::string text() const {
    std::ostringstream out;
    out << trusted.wall << ' ' << trusted.steady;
    if (doubted) out << ' ' << doubted->wall << ' ' << doubted->steady;
    return out.str();
  }
  static std::optional<ClockNote> parse(const std::string& text) {
    std::istringstream in(text);
    ClockNote note;
    Moment doubted;
    if (!(in >> note.trusted.wall >> note.trusted.steady)) return std::nullopt;
    if (in >> doubted.wall >> doubted.steady) note.doubted = doubted;
    return note;
  }
};

constexpr const char* clock_note = "clock";

}  // namespace

Result<std::optional<std::string>> ClockGuard::noted() const {
  if (context_.policy.shared) return own_;
  return context_.catalog.remembered(clock_note);
}

Result<void> ClockGuard::note(const std::string& text) {
  if (context_.policy.shared) {
    own_ = text;
    return {};
  }
  // Lazy: a note that a power cut takes is one sweep older, no more.
  return context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remember(clock_note, text);
    return {};
  });
}

Result<void> ClockGuard::begin() {
  const auto text = noted();
  // A start must not replace a note that it could not read: a catalog that cannot be asked counts as noted.
  return !text || *text ? Result<void>() : trust();
}

Result<void> ClockGuard::trust() {
  const Moment now{context_.clock.wall().time_since_epoch().count(),
                   std::chrono::duration_cast<Millis>(context_.clock.steady().time_since_epoch()).count()};
  const auto text = noted();
  if (!text) return tl::unexpected(text.error());
  std::optional<ClockNote> last;
  if (*text) last = ClockNote::parse(**text);
  // A doubt from before the machine started anew began on another steady clock: its hour cannot be measured.
  if (last && last->doubted && now.steady < last->doubted->steady) last->doubted.reset();
  // In doubt since `doubted`, and both clocks have gone on alike for an hour since: the new time is the right one.
  const bool steady_again =
      last && last->doubted && now.steady - last->doubted->steady >= clock_jump.count() && agree(*last->doubted, now);
  const bool trusted = !last || agree(last->trusted, now) || steady_again;
  if (trusted)
    last = ClockNote{now, std::nullopt};
  else if (!last->doubted || !agree(*last->doubted, now))
    last->doubted = now;  // it jumped again: the hour begins anew
  if (auto written = note(last->text()); !written) return written;
  if (trusted) return {};
  return fail(Kind::unavailable, "the clock jumped by more than an hour: nothing was deleted",
              "correct the clock, or try again in an hour");
}

}  // namespace qrx::space
