// What a server's answer means for a transfer: errors with the server's own words, and whether trying again may help.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"

namespace qrx::api {

// The error that an answer with a status of 300 or more stands for: "cannot DOING: the server's words". 404 and 410 are
// Kind::not_found, "this link does not exist or has expired".
Error refusal(const http::ClientAnswer& answer, const std::string& doing);

// Trouble of network or server that may be over soon.
bool is_temporary(Kind kind);

// Retry-After in seconds; an hour at most. The form with a date is not understood.
std::optional<Millis> retry_after(const http::ClientAnswer& answer);

// Qrx-Xxh128: the sum that the server computed.
std::optional<Xxh128Sum> server_sum(const http::ClientAnswer& answer);

std::optional<Xxh128Sum> sum_from_hex(std::string_view text);

}  // namespace qrx::api
