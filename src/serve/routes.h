// The routes, by resource. Each looks at the head of a request and says how to go on (http/exchange.h); who may do what
// is decided before a byte of the body is taken.
#pragma once

#include "http/exchange.h"
#include "serve/site.h"

namespace qrx::serve {

// pages_route.cpp
http::Reply show_home(const SharedCall& call);
http::Reply show_owner_page(const SharedCall& call);
http::Reply show_scan_page(const SharedCall& call);
http::Reply refuse_shared(const SharedCall& call);  // no service worker took it, and the server has no place for it

// assets_route.cpp
http::Reply show_asset(const SharedCall& call);
http::Reply show_app_manifest(const SharedCall& call);
http::Reply show_app_worker(const SharedCall& call);

// spaces_route.cpp
http::Reply create_space(const SharedCall& call);
http::Reply show_space(const SharedCall& call);
http::Reply change_space(const SharedCall& call);
http::Reply remove_space(const SharedCall& call);
http::Reply end_upload(const SharedCall& call);
http::Reply end_delivery(const SharedCall& call);

// files_route.cpp
http::Reply send_file(const SharedCall& call);
http::Reply send_file_to_form(const SharedCall& call);  // a browser's download: the token is a field of the form

// shares_route.cpp
http::Reply create_shares(const SharedCall& call);
http::Reply list_shares(const SharedCall& call);
http::Reply revoke_shares(const SharedCall& call);
http::Reply show_share(const SharedCall& call);
http::Reply report_share(const SharedCall& call);
http::Reply revoke_share(const SharedCall& call);

// share_link_route.cpp
http::Reply show_link(const SharedCall& call);
http::Reply mark_link_opened(const SharedCall& call);
http::Reply send_link_file(const SharedCall& call);
http::Reply send_link_all(const SharedCall& call);

// drop_route.cpp
http::Reply show_drop(const SharedCall& call);
http::Reply put_file(const SharedCall& call);

// form_route.cpp
http::Reply post_form(const SharedCall& call);

// tus_route.cpp
http::Reply tus_options(const SharedCall& call);
http::Reply create_upload(const SharedCall& call);
http::Reply show_upload(const SharedCall& call);
http::Reply append_upload(const SharedCall& call);
http::Reply remove_upload(const SharedCall& call);

// deliveries_route.cpp
http::Reply create_delivery(const SharedCall& call);
http::Reply show_delivery(const SharedCall& call);
http::Reply cancel_delivery(const SharedCall& call);
http::Reply commit_delivery(const SharedCall& call);
http::Reply put_delivery_file(const SharedCall& call);

// control_route.cpp
http::Reply sweep_now(const SharedCall& call);
http::Reply check_now(const SharedCall& call);
http::Reply list_all_spaces(const SharedCall& call);
http::Reply block_any_space(const SharedCall& call);
http::Reply delete_any_space(const SharedCall& call);

}  // namespace qrx::serve
