// Answers with the headers that every answer has, and what requests say about the answers they want.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "serve/pages/pages.h"

namespace qrx::serve {

// X-Content-Type-Options, Referrer-Policy, Cross-Origin-Resource-Policy and Cache-Control: no-store.
http::Answer answer(int status, std::string_view type = {}, std::string body = {});
http::Answer json_answer(int status, std::string body);
// And the policy of pages: nothing foreign, no frame.
http::Answer page_answer(int status, std::string html, PageKind kind = PageKind::plain);

bool wants_html(const http::Request& request);  // a browser: Accept names text/html
bool wants_json(const http::Request& request);  // Accept names application/json

// The secret of "Authorization: Bearer TOKEN", or the password of Basic (curl -u :TOKEN).
std::optional<std::string> token_of(const http::Request& request);

// The request carries an Origin that is neither ours (`own` is what --public-url names, "host:port", may be empty), nor
// the Host it was sent to, nor "null": a page of someone else's sends it.
bool is_foreign(const http::Request& request, std::string_view own_authority);

}  // namespace qrx::serve
