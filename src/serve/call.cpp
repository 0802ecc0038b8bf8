#include "serve/call.h"

#include <string>

#include "serve/answers.h"

namespace qrx::serve {
namespace {

// What was not found is named by a secret, and not by one that leads to something else.
bool is_wrong_secret(const Call& call) {
  switch (call.target.resource) {
    case wire::Resource::space:
    case wire::Resource::file:
    case wire::Resource::open_upload:
    case wire::Resource::open_delivery:
    case wire::Resource::receipt:
    case wire::Resource::contents:
    case wire::Resource::shares:
    case wire::Resource::share: {
      const auto token = token_of(*call.request);
      // A right token beside an unknown file is no guess.
      return token && !call.site.spaces.owned(call.target.guid, *token);
    }
    case wire::Resource::link:
    case wire::Resource::link_opened:
    case wire::Resource::link_file:
    case wire::Resource::link_all:
      // A page of nothing: only whether the link is one.
      return !call.site.shares.look(call.target.token, {}, {0, 0});
    default:
      return false;
  }
}

}  // namespace

// Tokens have 160 bits and cannot be guessed; this keeps a client that tries from using up the catalog, and tells the
// operator.
http::Answer Call::wrong_token(const Error& error) const {
  bool first = false;
  const auto wait = site.guesses.take(request->peer, site.clock.steady(), &first);
  if (!wait) return serve::problem(asker, error);
  if (first) site.log.info("too many wrong tokens or links", {{"peer", request->peer}, {"path", loggable(target)}});
  return too_many(asker, "too many wrong tokens or links came from this address; try again later", *wait);
}

Result<std::optional<std::string_view>> Call::parameter(std::string_view name) const {
  std::optional<std::string_view> value;
  for (std::string_view query = request->query; !query.empty();) {
    const auto ampersand = query.find('&');
    const std::string_view pair = query.substr(0, ampersand);
    query = ampersand == std::string_view::npos ? std::string_view() : query.substr(ampersand + 1);
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    // Which of the two counts would be a guess.
    if (value) return fail(Kind::usage, std::string(name) + " is given twice");
    value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  }
  return value;
}

http::Answer Call::problem(const Error& error, int status) const {
  if (error.kind == Kind::not_found && status == 0 && is_wrong_secret(*this)) return wrong_token(error);
  return serve::problem(asker, error, status);
}

}  // namespace qrx::serve
