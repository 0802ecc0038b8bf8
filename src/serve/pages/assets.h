// What pages load: scripts, styles, the icon. Their names hold a hash of their content, so that they may be kept for
// ever.
#pragma once

#include <string>
#include <string_view>

namespace qrx::serve {

// "/prefix/assets/receive.4CXJ2A7B.js" for "receive.js".
std::string asset_url(std::string_view root, std::string_view name);

// False in a server that was built without the libraries of the pages: they have no scripts then.
bool has_asset(std::string_view name);

}  // namespace qrx::serve
