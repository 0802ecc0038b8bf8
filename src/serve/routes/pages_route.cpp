#include "serve/routes/pages_route.h"

#include "serve/answers.h"
#include "serve/pages/pages.h"

namespace qrx::serve {

front::Reply show_home(const SharedCall& call) {
  const space::Policy& policy = call->site.spaces.policy();
  const ServerFacts facts{call->site.base().url(), policy.max_expire, policy.max_size,
                          call->site.options().create_needs_token};
  return page_answer(200, home_page(call->asker.look, facts), PageKind::scripted);
}

front::Reply show_owner_page(const SharedCall& call) {
  return page_answer(200, owner_page(call->asker.look), PageKind::scripted);
}

front::Reply show_scan_page(const SharedCall& call) {
  return page_answer(200, scan_page(call->asker.look), PageKind::scanner);
}

front::Reply refuse_shared(const SharedCall& call) {
  http::Answer out = answer(303);
  out.headers.push_back({"Location", call->site.base().prefix + "/scan?shared=lost"});
  return out;
}

}  // namespace qrx::serve
