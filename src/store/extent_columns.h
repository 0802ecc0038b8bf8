// What blobs in a store of objects are made of, in the table segments. Private to src/store.
#pragma once

#include <string>

#include "base/result.h"
#include "space/blobs.h"
#include "store/sqlite.h"

namespace qrx::store {

int write_extents(Connection& connection, const space::BlobKey& blob, const space::Extents& extents);  // SQLITE_OK
int remove_extents(Connection& connection, const space::BlobKey& blob);
Result<space::Extents> read_extents(Connection& connection, const space::BlobKey& blob);
Result<bool> is_object_of_others(Connection& connection, const std::string& object, const space::BlobKey& blob);

}  // namespace qrx::store
