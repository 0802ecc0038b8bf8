#include "pg/pg_past_files.h"

#include "pg/pg_reading.h"
#include "store/removal_sql.h"

namespace qrx::pg {

Result<std::optional<space::FileRow>> read_past_file(Connection& connection, const Id& file) {
  return take_one(connection, by_id(connection, QRX_PAST_FILE, file), store::take_past_file<Statement>);
}

Result<std::vector<space::FileRow>> read_past_files(Connection& connection, const Id& delivery) {
  return take_all(connection, by_id(connection, QRX_PAST_FILES, delivery), store::take_past_file<Statement>);
}

Result<std::vector<space::GoneDelivery>> read_gone_deliveries(Connection& connection) {
  return take_all(connection, connection.prepare("SELECT delivery,guid FROM gone_deliveries"),
                  store::take_gone<Statement>);
}

}  // namespace qrx::pg
