// Waiting for a space to change, for its owner (?after=N&wait=S), and for what is about to be known.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "front/exchange.h"
#include "serve/call.h"
#include "space/model.h"

namespace qrx::serve {

struct Watch {
  std::optional<std::uint64_t> after;
  Seconds wait{0};
};
Result<Watch> watch_of(const Call& call);  // Kind::usage

// Checks the owner's token and gives `show`, at once or when the seq of the space is another than `after`.
front::Reply watch_space(const SharedCall& call,
                         std::function<http::Answer(const Call& call, const std::string& token)> show);

// What ?from= says, where a page begins; empty: the first. Kind::usage: twice.
Result<std::string_view> from_of(const Call& call);
// The same, of a list of what is committed.
Result<space::PageStart> page_asked_for(const Call& call);

// Goes on once no transfer that has just gone out is in doubt (space::Shares::in_doubt), a second later at the latest:
// a client that downloads and asks right after it hears of it. `space` is the one whose changes end the doubt.
front::Reply after_doubt(const SharedCall& call, const Guid& space, std::function<bool()> in_doubt,
                         std::function<front::Reply()> go_on);

}  // namespace qrx::serve
