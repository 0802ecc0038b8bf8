// The tables of the catalog, version by version. Private to src/store.
#pragma once

namespace qrx::store {

inline constexpr int schema_version = 13;               // in PRAGMA user_version
extern const char* const schema_steps[schema_version];  // from each version to the next

}  // namespace qrx::store
