#include "serve/operations/catalog_module.h"

#include <dlfcn.h>

#include <string_view>

#include "base/version.h"

namespace qrx::serve {
namespace {

constexpr const char* install = "install the package qrx-server-cluster, which has PostgreSQL's client library, too";

// Never unloaded: its code is in use until the process ends.
Result<const space::CatalogModule*> load(const std::string& path) {
  // RTLD_NOW: what is missing shows here, and not in the middle of a request.
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = ::dlerror();
    const std::string_view what = reason == nullptr ? "out of memory" : reason;
    return fail(Kind::unavailable,
                "cannot load catalogs in PostgreSQL: " + std::string(what.substr(0, what.find('\n'))), install);
  }
  const auto* const module = static_cast<const space::CatalogModule*>(::dlsym(handle, space::catalog_module_name));
  // Both share the layout of C++ classes: only the very same version fits.
  if (module == nullptr || std::string_view(module->version) != version)
    return fail(Kind::usage, path + " is of another version than this qrx-serve", install);
  return module;
}

}  // namespace

Result<std::unique_ptr<space::SharedCatalog>> open_catalog(const ModuleOptions& options) {
  const auto module = load(options.path);
  if (!module) return tl::unexpected(module.error());
  return (*module)->open(options.address, options.listen);
}

Result<bool> migrate_catalog(const ModuleOptions& options) {
  const auto module = load(options.path);
  if (!module) return tl::unexpected(module.error());
  return (*module)->migrate(options.address);
}

}  // namespace qrx::serve
