// A database of a test's own. QRX_POSTGRESQL is the address of a PostgreSQL.
#pragma once

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "cluster/cutting_proxy.h"
#include "pg/pg_catalog.h"
#include "pg/pg_connection.h"
#include "unit/catch.h"

namespace qrx::test {

inline std::string server_address() {
  const char* const address = std::getenv("QRX_POSTGRESQL");
  if (address == nullptr) throw std::runtime_error("QRX_POSTGRESQL is not set");
  return address;
}

// An empty database, as long as this lives.
class Database {
 public:
  Database() : name_("qrx_" + Id::random().text()) { execute("CREATE DATABASE " + name_); }
  ~Database() { execute("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)"); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  std::string dsn() const { return server_address() + " dbname=" + name_; }
  std::string dsn(const CuttingProxy& proxy) const {
    return "host=" + proxy.directory() + " user=postgres dbname=" + name_;
  }

 private:
  static void execute(const std::string& sql) {
    auto connection = pg::Connection::open(server_address() + " dbname=postgres");
    if (!connection) throw std::runtime_error(connection.error().what);
    if (!(*connection)->execute(sql)) throw std::runtime_error((*connection)->failure().what);
  }
  const std::string name_;
};

inline std::unique_ptr<pg::PgCatalog> open_catalog(const Database& database) {
  auto opened = pg::PgCatalog::open(database.dsn(), {.most_connections = 12});
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

inline space::SpaceChange one_byte() {
  space::SpaceChange change;
  change.more.bytes = 1;
  return change;
}

}  // namespace qrx::test
