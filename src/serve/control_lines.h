// The lines that go over the control socket: what a server tells its operator, and how that is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "space/spaces.h"

namespace qrx::serve {

// "! " and a finding; "." as a sign of life; at last "= FILES BYTES MISSING CORRUPT ORPHANS", or "? " and why it
// failed.
std::string finding_line(std::string_view finding);
std::string result_line(const Result<space::Spaces::Checked>& result);
inline constexpr std::string_view alive_line = ".\n";

std::optional<std::string_view> read_finding(std::string_view line);
std::optional<Result<space::Spaces::Checked>> read_result(std::string_view line);

// What a sweep did: a line "SPACES UPLOADS BYTES", then a finding_line for each failure.
std::string swept_lines(const space::Spaces::Swept& swept);
std::optional<space::Spaces::Swept> read_swept(std::string_view lines);

// A space as a line of the control socket: "GUID CREATED EXPIRES PHASE FILES BYTES UPLOADS LABEL", times in
// milliseconds, the label percent-encoded.
std::string summary_line(const space::SpaceSummary& space);
std::optional<space::SpaceSummary> read_summary(std::string_view line);

}  // namespace qrx::serve
