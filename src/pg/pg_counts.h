// What a node counts about its catalog. Private to src/pg.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/measure.h"

namespace qrx::pg {

struct PgCounts {
  using Count = std::atomic<std::uint64_t>;
  Count contended{0};        // transactions tried again, for somebody was in the way
  Count lost{0};             // connections lost before a COMMIT was sent
  Count found_committed{0};  // COMMITs without an answer, and what became of them
  Count found_undone{0};
  Count never_known{0};
};

void add_measures(Measures& to, const PgCounts& counts, unsigned connections_in_use);

}  // namespace qrx::pg
