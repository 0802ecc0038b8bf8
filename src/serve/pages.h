// The pages for browsers: plain HTML, no script, nothing from elsewhere. Whatever came from outside is escaped here.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "wire/messages.h"

namespace qrx::serve {

// The Content-Security-Policy of all of them; it allows the one style sheet by its sum.
std::string_view page_policy();

struct ServerFacts {
  std::string base;  // URL
  Seconds max_expire{0};
  std::uint64_t max_size = 0;  // 0: no limit
};
std::string home_page(const ServerFacts& facts);

// The sender's page, or why nothing can be sent. `now` for the expiry in words.
std::string drop_page(const wire::DropInfo& drop, WallTime now);
std::string sent_page(const wire::DeliveryState& delivery, std::string_view again_href);
std::string owner_page();
std::string error_page(int status, std::string_view detail, std::string_view request_id);

}  // namespace qrx::serve
