#include "store/past_files.h"

#include "store/columns.h"
#include "store/removal_sql.h"

namespace qrx::store {
using space::FileRow;

Result<std::optional<FileRow>> read_past_file(Connection& connection, const Id& file) {
  return take_one(by_id(connection, QRX_PAST_FILE, file), take_past_file<Statement>);
}

Result<std::vector<FileRow>> read_past_files(Connection& connection, const Id& delivery) {
  return take_all(by_id(connection, QRX_PAST_FILES, delivery), take_past_file<Statement>);
}

}  // namespace qrx::store
