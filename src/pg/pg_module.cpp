#include "pg/pg_module.h"

#include "base/version.h"
#include "pg/pg_catalog.h"

namespace qrx::pg {
namespace {

Result<std::unique_ptr<space::SharedCatalog>> open(const std::string& address, const std::string& listen) {
  auto opened = PgCatalog::open(address, {.listen_dsn = listen});
  if (!opened) return tl::unexpected(opened.error());
  return std::move(*opened);
}

}  // namespace
}  // namespace qrx::pg

const qrx::space::CatalogModule qrx_catalog_module{qrx::version, qrx::pg::open, qrx::pg::PgCatalog::migrate};
