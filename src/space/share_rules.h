// The rules of shares: their parts, put together.
// Private to src/space.
#pragma once

#include <utility>

#include "space/downloads.h"
#include "space/rules.h"
#include "space/share_book.h"
#include "space/share_notices.h"
#include "space/share_policy.h"

namespace qrx::space {

struct ShareRules {
  ShareRules(Rules& rules, SharePolicy policy_)
      : context(rules.context),
        registry(rules.registry),
        versions(rules.versions),
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
