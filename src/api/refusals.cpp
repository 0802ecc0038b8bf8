#include "api/refusals.h"

#include <algorithm>

#include "base/text.h"
#include "wire/messages.h"
#include "wire/tus.h"

namespace qrx::api {
namespace {

constexpr std::size_t most_shown_address = 200;  // of where a server redirects to
constexpr std::size_t most_shown_bytes = 500;    // of a server's own words

Kind kind_of(int status) {
  switch (status) {
    case 401:
      return Kind::unauthorized;
    case 403:
      return Kind::denied;
    // Whether a space never was or has ended makes no difference to what a client can do.
    case 404:
    case 410:
      return Kind::not_found;
    case 409:
      return Kind::conflict;
    case 413:
      return Kind::too_large;
    case 412:
    case 415:
      // Precondition and content type: this client and that server do not fit together.
      return Kind::unsupported;
    case 423:
      return Kind::locked;
    case 429:
      return Kind::too_many;
    case 460:
      return Kind::integrity;
    case 507:
      return Kind::no_room;
    case 408:
      return Kind::unavailable;
    default:
      return status >= 500 ? Kind::unavailable : Kind::other;
  }
}

}  // namespace

Error refusal(const http::ClientAnswer& answer, const std::string& doing) {
  Kind kind = kind_of(answer.status);
  if (answer.status >= 300 && answer.status < 400) {
    const auto location = answer.header("Location");
    const std::string where =
        location ? escape_untrusted(location->substr(0, most_shown_address)) : std::string("another address");
    return {kind, "cannot " + doing + ": the server redirects to " + where,
            where.starts_with("https://") ? "use the link, or --server, with https:// in place of http://"
                                          : "use the link, or --server, with that address"};
  }
  std::string words;
  const auto type = answer.header("Content-Type");
  const bool explained = type && type->starts_with("application/problem+json");
  // RFC 9110, 15.5.14: what is too large only for now says when to come again.
  if (explained && (kind == Kind::too_large || kind == Kind::no_room) && answer.header("Retry-After"))
    kind = Kind::no_room_now;
  if (kind == Kind::not_found && (explained || !type)) return {kind, "this link does not exist or has expired", {}};
  // A proxy whose server is away says so too: what is temporary stays so.
  if (!explained && answer.status >= 400 && answer.status < 500 && answer.status != 408 && answer.status != 429)
    return {kind, "cannot " + doing + ": a web server answered " + std::to_string(answer.status) + ", but not qrx",
            "check the address, and the path that a proxy in front of qrx-serve may need"};
  if (explained)
    if (const auto problem = wire::from_json<wire::Problem>(answer.body))
      words = problem->detail.empty() ? problem->title : problem->detail;
  if (words.size() > most_shown_bytes) words.resize(most_shown_bytes);
  if (words.empty()) words = "the server answered " + std::to_string(answer.status);
  return {kind, "cannot " + doing + ": " + escape_untrusted(words), {}};
}

bool is_temporary(Kind kind) {
  return kind == Kind::unavailable || kind == Kind::locked || kind == Kind::too_many || kind == Kind::no_room_now;
}

std::optional<Millis> retry_after(const http::ClientAnswer& answer) {
  const auto text = answer.header("Retry-After");
  const auto seconds = text ? wire::parse_number(*text) : std::nullopt;
  if (!seconds) return std::nullopt;
  // An hour: a server that asks for more is as good as away.
  return Millis(1000 * static_cast<long long>(std::min<std::uint64_t>(*seconds, 3600)));
}

std::optional<Xxh128Sum> sum_from_hex(std::string_view text) {
  const auto bytes = from_hex(text);
  Xxh128Sum sum;
  if (!bytes || bytes->size() != sum.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), sum.begin());
  return sum;
}

std::optional<Xxh128Sum> server_sum(const http::ClientAnswer& answer) {
  const auto text = answer.header("Qrx-Xxh128");
  return text ? sum_from_hex(*text) : std::nullopt;
}

}  // namespace qrx::api
