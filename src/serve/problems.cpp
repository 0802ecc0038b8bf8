#include "serve/problems.h"

#include "serve/answers.h"
#include "wire/messages.h"

namespace qrx::serve {
namespace {

// The sentence for the outside. Errors of the machine may name paths or hosts: those are for the log.
std::string detail_of(const Error& error) {
  switch (error.kind) {
    case Kind::not_found:
      return "there is nothing at this address, or not for this token";
    case Kind::no_room:
      return "the server has no room left for this";
    case Kind::unavailable:
    case Kind::timed_out:
      return "the server is not available right now";
    case Kind::other:
    case Kind::no_code:
      return "the server failed to do this";
    default:
      return error.what;
  }
}

http::Answer make(const Asker& asker, int status, std::string detail, Saying saying = Saying::by_status,
                  std::int64_t retry_after = 5) {
  http::Answer out;
  if (asker.browser) {
    out = page_answer(status, error_page(asker.look, status, title_of(status), detail,
                                         status == 404 ? std::string() : asker.request_id, saying));
  } else if (asker.terminal) {
    out = answer(status, "text/plain; charset=utf-8", (detail.empty() ? std::string(title_of(status)) : detail) + "\n");
  } else {
    wire::Problem body;
    body.status = status;
    body.title = title_of(status);
    body.detail = std::move(detail);
    // A 404 has the same bytes for an unknown space and a wrong token.
    if (status != 404) body.instance = asker.request_id;
    out = answer(status, "application/problem+json", wire::to_json(body) + "\n");
  }
  // RFC 9110, 15.5.2: a 401 names what it wants.
  if (status == 401) out.headers.push_back({"WWW-Authenticate", "Bearer realm=\"qrx\""});
  if (status == 503 || status == 429) out.headers.push_back({"Retry-After", std::to_string(retry_after)});
  return out;
}

}  // namespace

// The one table from kinds to statuses: a route names another status only where the protocol wants it.
int status_of(Kind kind) {
  switch (kind) {
    case Kind::usage:
      return 400;
    case Kind::unauthorized:
      return 401;
    case Kind::denied:
      return 403;
    case Kind::not_found:
      return 404;
    case Kind::conflict:
    case Kind::exists:
      return 409;
    case Kind::gone:
      return 410;
    case Kind::too_large:
      return 413;
    case Kind::unsupported:
      return 415;
    case Kind::locked:
      return 423;
    case Kind::too_many:
      return 429;
    // 460 is tus' own: a checksum mismatch. Other routes answer 400 for it.
    case Kind::integrity:
      return 460;
    // Not 507, which is for good until somebody clears up: clients (curl --retry, tus) wait and come again after a 503.
    case Kind::no_room_now:
    case Kind::timed_out:
    case Kind::unavailable:
      return 503;
    case Kind::no_room:
      return 507;
    case Kind::other:
    case Kind::no_code:
      break;
  }
  return 500;
}

// For people and for problem+json (RFC 9457, 3.1.3): the same words for a status each time.
std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "malformed request";
    case 401:
      return "a token is needed";
    case 403:
      return "not allowed";
    case 404:
      return "not found";
    case 405:
      return "method not allowed";
    case 408:
      return "too slow";
    case 409:
      return "conflict";
    case 410:
      return "expired";
    case 411:
      return "length needed";
    case 412:
      return "precondition failed";
    case 413:
      return "too large";
    case 414:
      return "address too long";
    case 415:
      return "unsupported type";
    case 416:
      return "range not satisfiable";
    case 417:
      return "expectation failed";
    case 421:
      return "misdirected request";
    case 423:
      return "locked";
    case 429:
      return "too many requests";
    case 431:
      return "header too large";
    case 460:
      return "checksum mismatch";
    case 501:
      return "not implemented";
    case 503:
      return "try again later";
    case 505:
      return "HTTP version not supported";
    case 507:
      return "no room";
    default:
      return status < 500 ? "refused" : "server error";
  }
}

http::Answer problem(const Asker& asker, const Error& error, int status) {
  return make(asker, status == 0 ? status_of(error.kind) : status, detail_of(error));
}

http::Answer problem(const Asker& asker, int status, std::string_view detail, Saying saying) {
  return make(asker, status, std::string(detail), saying);
}

http::Answer too_many(const Asker& asker, std::string_view detail, Seconds retry_after) {
  return make(asker, 429, std::string(detail), Saying::by_status, retry_after.count());
}

}  // namespace qrx::serve
