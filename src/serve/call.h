// One request on its way through a route.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "front/exchange.h"
#include "serve/problems.h"
#include "serve/site.h"
#include "wire/resource.h"

namespace qrx::serve {

// Made by the router; not changed once a route has it, so that threads may share it.
struct Call {
  Site& site;
  std::shared_ptr<const http::Request> request;
  wire::Target target;
  Asker asker;

  // Counts wrong tokens and links: when there were too many from this address, the answer is 429.
  http::Answer problem(const Error& error, int status = 0) const;
  http::Answer wrong_token(const Error& error) const;
  http::Answer no_token() const { return problem(401, "the owner's token is needed"); }
  http::Answer problem(int status, std::string_view detail, Saying saying = Saying::by_status) const {
    return serve::problem(asker, status, detail, saying);
  }
  // What stands behind a ? is no part of a file's name, though whoever wrote it meant it to be.
  http::Answer question_mark_in_name() const {
    return problem(400, "the address has a question mark: in a file name it is written as %3F");
  }
  std::string_view header(std::string_view name) const { return request->header(name).value_or(std::string_view()); }
  // What the query says of it, as it stands there; nothing when it is not named. Kind::usage: twice.
  Result<std::optional<std::string_view>> parameter(std::string_view name) const;
};
using SharedCall = std::shared_ptr<const Call>;

}  // namespace qrx::serve
