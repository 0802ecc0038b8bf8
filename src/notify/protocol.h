// What goes between a tool and its helper qrx-notify: one JSON object a line. On the helper's stdin first the settings,
// then notices; on its stdout one outcome for each notice, in their order.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "notify/notice.h"
#include "notify/settings.h"

namespace qrx::notify {

inline constexpr std::size_t most_line_bytes = 256 * 1024;

// With the newline. What is not UTF-8 becomes U+FFFD.
std::string to_line(const Settings& settings);
std::string to_line(const Notice& notice);
std::string to_line(const Outcome& outcome);

// Kind::usage for anything else.
Result<Settings> read_settings(std::string_view line);
Result<Notice> read_notice(std::string_view line);
Result<Outcome> read_outcome(std::string_view line);

std::string_view to_text(Outcome::State state);

// One line for people: control characters become blanks, at most 200 bytes, UTF-8 or what is left of it.
std::string one_line(std::string_view text);

}  // namespace qrx::notify
