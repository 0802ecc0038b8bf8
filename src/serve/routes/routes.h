// The routes, by resource. Each looks at the head of a request and says how to go on (front/exchange.h); who may do
// what is decided before a byte of the body is taken.
#pragma once

#include "front/exchange.h"
#include "serve/site.h"

namespace qrx::serve {

// pages_route.cpp
front::Reply show_home(const SharedCall& call);
front::Reply show_owner_page(const SharedCall& call);
front::Reply show_scan_page(const SharedCall& call);
front::Reply refuse_shared(const SharedCall& call);  // no service worker took it, and the server has no place for it

// assets_route.cpp
front::Reply show_asset(const SharedCall& call);
front::Reply show_app_manifest(const SharedCall& call);
front::Reply show_app_worker(const SharedCall& call);

// spaces_route.cpp
front::Reply create_space(const SharedCall& call);
front::Reply show_space(const SharedCall& call);
front::Reply change_space(const SharedCall& call);
front::Reply remove_space(const SharedCall& call);
front::Reply end_upload(const SharedCall& call);
front::Reply end_delivery(const SharedCall& call);

// files_route.cpp
front::Reply send_file(const SharedCall& call);
front::Reply send_file_to_form(const SharedCall& call);  // a browser's download: the token is a field of the form

// shares_route.cpp
front::Reply create_shares(const SharedCall& call);
front::Reply list_shares(const SharedCall& call);
front::Reply revoke_shares(const SharedCall& call);
front::Reply show_share(const SharedCall& call);
front::Reply report_share(const SharedCall& call);
front::Reply revoke_share(const SharedCall& call);

// share_link_route.cpp
front::Reply show_link(const SharedCall& call);
front::Reply mark_link_opened(const SharedCall& call);
front::Reply send_link_file(const SharedCall& call);
front::Reply send_link_all(const SharedCall& call);

// drop_route.cpp
front::Reply show_drop(const SharedCall& call);
front::Reply put_file(const SharedCall& call);

// form_route.cpp
front::Reply post_form(const SharedCall& call);

// tus_route.cpp
front::Reply tus_options(const SharedCall& call);
front::Reply create_upload(const SharedCall& call);
front::Reply show_upload(const SharedCall& call);
front::Reply append_upload(const SharedCall& call);
front::Reply remove_upload(const SharedCall& call);

// deliveries_route.cpp
front::Reply create_delivery(const SharedCall& call);
front::Reply show_delivery(const SharedCall& call);
front::Reply cancel_delivery(const SharedCall& call);
front::Reply commit_delivery(const SharedCall& call);
front::Reply put_delivery_file(const SharedCall& call);

// control_route.cpp
front::Reply sweep_now(const SharedCall& call);
front::Reply check_now(const SharedCall& call);
front::Reply list_all_spaces(const SharedCall& call);
front::Reply block_any_space(const SharedCall& call);
front::Reply delete_any_space(const SharedCall& call);

}  // namespace qrx::serve
