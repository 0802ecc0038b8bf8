// The content of a stored file over HTTP: one range, entity tags, sums, never to be run. The same for owner and
// recipients.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "front/exchange.h"
#include "serve/call.h"
#include "space/spaces.h"
#include "wire/range.h"

namespace qrx::serve {

// Type, name (the last part of it) and what keeps browsers from running the content. An empty type is any bytes.
http::Answer content_head(int status, std::string type, const std::string& name);

// Answers HEAD and whatever needs no content itself; else `go_on` sends this range under this head, perhaps later.
// Ranges and conditions are those of GET.
front::Reply send_stored(const SharedCall& call, const space::FileRow& file,
                         std::function<front::Reply(http::Answer head, wire::ByteRange range)> go_on);

// With --redirect, for a client that takes it: the way to the store, in place of `head` and all of the content.
// Nothing: it goes through this server. Of what was asked for by a form, or in part, it always does.
std::optional<http::Answer> redirect_to_store(const Call& call, const space::Content& content, const http::Answer& head,
                                              const wire::ByteRange& range);

// A piece of the content for a source: what next() gives, and how many bytes of the content it is (none: wait, or
// broken).
struct TakenPiece {
  front::BodySource::Next next;
  std::uint64_t size = 0;
};
TakenPiece take_piece(space::Content& content, std::uint64_t offset, std::uint64_t most);

}  // namespace qrx::serve
