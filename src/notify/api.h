// JSON over HTTP, as messenger APIs have it: what several transports do alike.
#pragma once

#include <string>

#include "notify/http.h"
#include "notify/transport.h"
#include "wire/json_text.h"

namespace qrx::notify {

using wire::json;

// A request with a JSON body to an address of the operator's table: `url` there (or the default) and the path.
HttpRequest json_request(const Table& table, std::string_view default_url, const std::string& path, const json& body);
HttpRequest json_hook(const Table& table, const HookRules& rules, const std::string& url, const json& body);

// The answer's body as an object; an empty one when it is not JSON, or no object.
json body_of(const HttpAnswer& answer);
std::string text_in(const json& object, const char* member);  // "" when it is not there or no text
std::int64_t number_in(const json& object, const char* member, std::int64_t otherwise);
std::optional<Seconds> wait_in(const json& object, const char* member);  // seconds, rounded up, at most a day

}  // namespace qrx::notify
