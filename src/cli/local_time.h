// A moment as people say it.
#pragma once

#include <string>

#include "base/clock.h"

namespace qrx::cli {

// In the local time zone: "23:05", "tomorrow 23:05", "24 Nov 23:05"; of what is half a year away the date: "24 Nov
// 2027".
std::string local_time(WallTime time, WallTime now);

}  // namespace qrx::cli
