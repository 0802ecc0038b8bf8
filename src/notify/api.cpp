#include "notify/api.h"

#include <algorithm>
#include <cmath>

#include "wire/link.h"

namespace qrx::notify {

HttpRequest json_request(const Table& table, std::string_view default_url, const std::string& path, const json& body) {
  HttpRequest request;
  request.url = table.text("url", default_url);
  // The operator may have written a slash at the end of `url`; the path brings its own.
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  request.headers = {"Content-Type: application/json"};
  request.body = wire::dump(body);
  request.ca_file = table.path("ca_file");
  return request;
}

HttpRequest json_hook(const Table& table, const HookRules& rules, const std::string& url, const json& body) {
  HttpRequest request;
  request.url = url;
  request.headers = {"Content-Type: application/json"};
  request.body = wire::dump(body);
  request.ca_file = table.path("ca_file");
  // A hook is named by a stranger: ask() checks each address that it leads to.
  request.hook = &rules;
  return request;
}

json body_of(const HttpAnswer& answer) {
  // What is no JSON (a proxy's page) has no members, and its status alone says what became of the notice.
  return wire::parse_object(answer.body).value_or(json::object());
}

std::string text_in(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_in(const json& object, const char* member, std::int64_t otherwise) {
  const auto found = object.find(member);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

std::optional<Seconds> wait_in(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  // Also NaN, which is not below 0 either.
  if (!(seconds >= 0)) return std::nullopt;
  // A day at most: a longer wait is no different from a failure.
  return Seconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, 86400.0))));
}

}  // namespace qrx::notify
