// The pages for browsers: HTML that says the essential without script, and names the script that takes over. Nothing is
// from elsewhere. Whatever came from outside is escaped here.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "serve/pages/language.h"
#include "wire/messages.h"
#include "wire/share_messages.h"

namespace qrx::serve {

// The Content-Security-Policy of a page: none runs inline script or style, or can be framed.
enum class PageKind : std::uint8_t {
  plain,     // no script at all
  scripted,  // our scripts
  scanner,   // and WebAssembly
};
std::string_view page_policy(PageKind kind);

struct ServerFacts {
  std::string base;            // URL
  Seconds max_expire{0};       // 0: no limit
  std::uint64_t max_size = 0;  // 0: no limit
  bool create_needs_token = false;
};
std::string home_page(const Look& look, const ServerFacts& facts);

// The sender's page, or why nothing can be sent. `now` for the expiry in words.
std::string drop_page(const Look& look, const wire::DropInfo& drop, WallTime now);
std::string sent_page(const Look& look, const wire::DeliveryState& delivery, std::string_view again_href);
std::string owner_page(const Look& look);

// One recipient's page. Without script each file is a form that posts to its url, which is how a limited link is used,
// too.
std::string share_page(const Look& look, const wire::SharedSpace& shared, const wire::AddressOf& address_of,
                       WallTime now);
std::string scan_page(const Look& look);
// What a page says of a refusal in words of its own, in its language, where the status alone says too little.
enum class Saying : std::uint8_t { by_status, link_revoked, link_expired, link_used_up, link_closed, nothing_chosen };

// `title` says the status in a word or two ("not found"), `detail` in a sentence what happened; both in English.
std::string error_page(const Look& look, int status, std::string_view title, std::string_view detail,
                       std::string_view request_id, Saying saying = Saying::by_status);

}  // namespace qrx::serve
