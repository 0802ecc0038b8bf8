// A line that a tool says with --json, read by another: {"v":1,"event":"space","owner":"https://…",…}.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::wire {

inline constexpr std::size_t most_event_bytes = 1U << 20;

// The members that are texts, numbers or truths, as text; others are left out. Kind::usage for anything but one object.
// Texts are as hostile as what the tool was told.
Result<std::map<std::string, std::string>> read_event_line(std::string_view line);

}  // namespace qrx::wire
