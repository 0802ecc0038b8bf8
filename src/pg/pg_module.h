// What the server finds in this module by its name (src/serve/operations/catalog_module.h).
#pragma once

#include "space/shared_catalog.h"

extern "C" {
extern __attribute__((visibility("default"))) const qrx::space::CatalogModule qrx_catalog_module;
}
