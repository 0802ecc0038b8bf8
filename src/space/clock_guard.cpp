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

// A catalog that cannot be asked counts as noted: a start must not replace a note that it could not read.
bool clock_is_noted(Catalog& catalog) {
  const auto note = catalog.remembered(clock_note);
  return !note || *note;
}

Result<void> trust_clock(Catalog& catalog, const Clock& clock) {
  const Moment now{clock.wall().time_since_epoch().count(),
                   std::chrono::duration_cast<Millis>(clock.steady().time_since_epoch()).count()};
  auto text = catalog.remembered(clock_note);
  if (!text) return tl::unexpected(text.error());
  std::optional<ClockNote> note;
  if (*text) note = ClockNote::parse(**text);
  // In doubt since `doubted`, and both clocks have gone on alike for an hour since: the new time is the right one.
  const bool settled =
      note && note->doubted && now.steady - note->doubted->steady >= clock_jump.count() && agree(*note->doubted, now);
  const bool trusted = !note || agree(note->trusted, now) || settled;
  if (trusted)
    note = ClockNote{now, std::nullopt};
  else if (!note->doubted || !agree(*note->doubted, now))
    note->doubted = now;  // it jumped again: the hour begins anew
  // Lazy: a note that a power cut takes is one sweep older, no more.
  auto changed = catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remember(clock_note, note->text());
    return {};
  });
  if (!changed) return changed;
  if (trusted) return {};
  return fail(Kind::unavailable, "the clock jumped by more than an hour: nothing was deleted",
              "correct the clock, or try again in an hour");
}

}  // namespace qrx::space
