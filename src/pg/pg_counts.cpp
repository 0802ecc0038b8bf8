#include "pg/pg_counts.h"

namespace qrx::pg {

void add_measures(Measures& to, const PgCounts& counts, unsigned connections_in_use) {
  using enum Measure::Type;
  const auto add = [&](const char* name, const char* help, std::uint64_t value, const char* result = nullptr) {
    to.push_back(
        {name, counter, help, static_cast<double>(value), result == nullptr ? std::string() : label("result", result)});
  };
  to.push_back({"qrx_catalog_connections_in_use", gauge, "Connections of the pool that run something.",
                static_cast<double>(connections_in_use)});
  add("qrx_catalog_contended_total", "Transactions tried again because another was in the way.", counts.contended);
  add("qrx_catalog_lost_total", "Transactions tried again because the connection was lost.", counts.lost);
  constexpr const char* doubtful = "qrx_catalog_doubtful_total";
  constexpr const char* about = "Commits whose answer was lost, by what was found out.";
  add(doubtful, about, counts.found_committed, "committed");
  add(doubtful, about, counts.found_undone, "undone");
  add(doubtful, about, counts.never_known, "unknown");
}

}  // namespace qrx::pg
