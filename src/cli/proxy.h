// The proxy that HTTPS_PROXY and NO_PROXY ask for.
#pragma once

#include <string>
#include <string_view>

#include "wire/link.h"

namespace qrx::cli {

// NO_PROXY: names and addresses apart by commas; a name stands for what is below it too (a leading dot changes
// nothing), an address may have a prefix length, "*" stands for all.
bool is_exempt(std::string_view host, std::string_view no_proxy);

// "http://host:port", or empty: there is none, or the origin is exempt, loopback, or plain HTTP.
std::string proxy_for(const wire::Origin& origin);

}  // namespace qrx::cli
