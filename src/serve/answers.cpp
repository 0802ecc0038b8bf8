#include "serve/answers.h"

#include "base/bytes.h"
#include "base/text.h"
#include "wire/link.h"

namespace qrx::serve {
namespace {

bool accepts(const http::Request& request, std::string_view type) {
  const auto accept = request.header("accept");
  return accept && to_lower_ascii(*accept).find(type) != std::string::npos;
}

// "host:port" of a Host or Origin, with the default port of the scheme where there is none.
std::optional<std::string> authority_with_port(std::string_view authority, bool tls) {
  const auto origin = wire::Origin::parse((tls ? "https://" : "http://") + std::string(authority));
  if (!origin || !origin->prefix.empty()) return std::nullopt;
  return origin->host + ' ' + std::to_string(origin->port);
}

}  // namespace

http::Answer answer(int status, std::string_view type, std::string body) {
  http::Answer out;
  out.status = status;
  out.type = type;
  out.body = std::move(body);
  out.headers.reserve(8);
  // For every answer, also those with files of strangers in them: nothing guesses a type, no address leaks as a
  // referrer (it may be a secret), no page of another site embeds it, no cache keeps it.
  out.headers.push_back({"X-Content-Type-Options", "nosniff"});
  out.headers.push_back({"Referrer-Policy", "no-referrer"});
  out.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  out.headers.push_back({"Cache-Control", "no-store"});
  return out;
}

http::Answer json_answer(int status, std::string body) {
  return answer(status, "application/json", std::move(body));
}

http::Answer page_answer(int status, std::string html, PageKind kind) {
  http::Answer out = answer(status, "text/html; charset=utf-8", std::move(html));
  out.headers.push_back({"Content-Security-Policy", std::string(page_policy(kind))});
  // For browsers that do not know frame-ancestors of the policy: a page in an invisible frame could be clicked
  // unknowingly.
  out.headers.push_back({"X-Frame-Options", "DENY"});
  out.headers.push_back({"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"});
  out.headers.push_back({"Vary", "Accept, Accept-Language"});
  return out;
}

bool wants_html(const http::Request& request) {
  return accepts(request, "text/html");
}
bool wants_json(const http::Request& request) {
  return accepts(request, "application/json");
}

std::optional<std::string> token_of(const http::Request& request) {
  const auto header = request.header("authorization");
  if (!header) return std::nullopt;
  const auto blank = header->find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = header->substr(0, blank);
  const std::string_view value = trim(header->substr(blank + 1));
  if (equal_ignoring_case(scheme, "bearer")) return std::string(value);
  // Basic (RFC 7617): base64 of "user:password". The user is not looked at.
  if (!equal_ignoring_case(scheme, "basic")) return std::nullopt;
  const auto pair = from_base64(value);
  if (!pair) return std::nullopt;
  const std::string_view text = as_text(as_bytes(*pair));
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(colon + 1));
}

// A browser puts Origin on every request that a page of another site makes it send, so this stops all that such a page
// could do with the address of a server in its visitor's network. Programs send none.
bool is_foreign(const http::Request& request, std::string_view own_authority) {
  const auto origin = request.header("origin");
  // "null" is what our own form sends, because its page asks for no referrer.
  if (!origin || *origin == "null") return false;
  const bool tls = origin->starts_with("https://");
  const auto slashes = origin->find("://");
  if (slashes == std::string_view::npos) return true;
  const auto host = request.header("host");
  // The usual case, without parsing.
  if (host && equal_ignoring_case(origin->substr(slashes + 3), *host)) return false;
  const auto theirs = authority_with_port(origin->substr(slashes + 3), tls);
  if (!theirs) return true;
  if (!own_authority.empty() && theirs == authority_with_port(own_authority, tls)) return false;
  return !host || theirs != authority_with_port(*host, tls);
}

}  // namespace qrx::serve
