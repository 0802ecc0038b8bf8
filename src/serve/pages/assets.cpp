#include "serve/pages/assets.h"

#include <algorithm>

#include "serve/pages/web_data.h"

namespace qrx::serve {
namespace {

constexpr std::string_view folder = "/assets/";  // Resource::asset of wire/resource.h

}  // namespace

std::string asset_url(std::string_view root, std::string_view name) {
  for (const WebFile& file : web_files())
    if (file.name == name) return std::string(root) + std::string(folder) + std::string(file.file);
  return std::string(root) + std::string(folder) + std::string(name);
}

bool has_asset(std::string_view name) {
  const auto files = web_files();
  return std::any_of(files.begin(), files.end(), [name](const WebFile& file) { return file.name == name; });
}

}  // namespace qrx::serve
