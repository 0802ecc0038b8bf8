// Waiting for a space to change, for its owner: ?after=N&wait=S.
#pragma once

#include <functional>
#include <string>

#include "http/exchange.h"
#include "serve/site.h"

namespace qrx::serve {

// Checks the owner's token and gives `show`, at once or when the seq of the space is another than `after`.
http::Reply watch_space(const SharedCall& call, std::function<http::Answer(const Call& call, const std::string& token)> show);

}  // namespace qrx::serve
