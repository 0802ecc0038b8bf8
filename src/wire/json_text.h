// A JSON value from text and to text: the one place where either is done. For the folders that speak JSON; thread-safe.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::wire {

using nlohmann::json;

// One line. Names may hold bytes that are not UTF-8 only if a caller let them in; they come out as U+FFFD, never as
// broken JSON.
std::string dump(const json& value);
// Behind `out`, quotes and all, as dump() writes it.
void append_text(std::string& out, std::string_view text);

Result<json> parse_object(std::string_view text);  // at most 64 MiB, a nesting of 16

}  // namespace qrx::wire
