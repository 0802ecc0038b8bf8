// A catalog that is no part of this program, but of a module beside it, which is loaded when somebody asks for it: so
// that a server without it needs none of its libraries.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "space/shared_catalog.h"

namespace qrx::serve {

struct ModuleOptions {
  std::string path;     // of the module
  std::string address;  // of the catalog
  std::string listen;   // for hearing of other nodes; empty: the same
};

// Kind::unavailable when the module, or a library of it, is not installed; other errors as of the catalog.
Result<std::unique_ptr<space::SharedCatalog>> open_catalog(const ModuleOptions& options);
// Brings its tables up to date; true: there was something to do.
Result<bool> migrate_catalog(const ModuleOptions& options);

}  // namespace qrx::serve
