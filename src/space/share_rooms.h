// All parts of the rules of shares, put together.
// Private to src/space.
#pragma once

#include <utility>

#include "space/downloads.h"
#include "space/rooms.h"
#include "space/share_book.h"
#include "space/share_notices.h"
#include "space/share_policy.h"

namespace qrx::space {

struct ShareRooms {
  ShareRooms(Rooms& rooms, SharePolicy policy_)
      : context(rooms.context),
        registry(rooms.registry),
        versions(rooms.versions),
        policy(std::move(policy_)),
        book(context),
        notices(context, registry, versions, book, policy),
        downloads(context, registry, versions, book) {}

  Context& context;
  Registry& registry;
  Versions& versions;
  const SharePolicy policy;
  ShareBook book;
  ShareNotices notices;
  Downloads downloads;
};

}  // namespace qrx::space
