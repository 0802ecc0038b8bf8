// The rule for file names on the wire, the same for senders, servers and receivers.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::wire {

// A name is a relative path of UTF-8 with '/' between its parts. Kind::integrity for empty parts (so also for a slash
// at either end), ".", "..", control characters (C0, DEL, C1), backslashes, drive letters ("C:", "C:/x"), what is not
// UTF-8 and what is too long (wire/limits.h). What passes is safe to join to a directory as it stands, but may still
// begin with a dot or a dash.
Result<void> check_name(std::string_view name);

// A name of this machine as it can travel: bytes that check_name() refuses become %XX, "old%E9.txt"; a name that it
// takes stays as it is. What is too long, or climbs, is still refused.
std::string sendable_name(std::string_view name);

}  // namespace qrx::wire
