// The texts of src/serve/pages, embedded at build.
#pragma once

#include <string_view>

namespace qrx::serve {

std::string_view embedded_page(std::string_view name);  // "home.html"; empty: no such page

}  // namespace qrx::serve
