#include "s3/request_counts.h"

#include <algorithm>
#include <string>

namespace qrx::s3 {
namespace {

constexpr std::array<const char*, 4> methods{"GET", "PUT", "DELETE", "HEAD"};
constexpr std::array<const char*, 6> classes{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace

void RequestCounts::add(std::string_view method, long status, double seconds) {
  const auto found = std::find(methods.begin(), methods.end(), method);
  if (found == methods.end()) return;
  const auto kind = static_cast<std::size_t>(found - methods.begin());
  const auto status_class = static_cast<std::size_t>(std::clamp(status / 100, 0L, 5L));
  const std::lock_guard lock(mutex_);
  ++kinds_[kind].by_class[status_class];
  kinds_[kind].seconds += seconds;
}

// All of them from the start on, also those that are 0: an alert on what is missing would never come.
void RequestCounts::measure(Measures& to) const {
  using enum Measure::Type;
  const std::lock_guard lock(mutex_);
  for (std::size_t kind = 0; kind < methods.size(); ++kind)
    for (std::size_t status = 0; status < classes.size(); ++status)
      if (status != 1)
        to.push_back({"qrx_s3_requests_total", counter, "Requests to the S3 store, each try, by what was answered.",
                      static_cast<double>(kinds_[kind].by_class[status]),
                      label("method", methods[kind]) + "," + label("status", classes[status])});
  for (std::size_t kind = 0; kind < methods.size(); ++kind)
    to.push_back({"qrx_s3_request_seconds_sum", counter, "How long they took, waiting for a connection included.",
                  kinds_[kind].seconds, label("method", methods[kind])});
  for (std::size_t kind = 0; kind < methods.size(); ++kind) {
    double count = 0;
    for (const std::uint64_t one : kinds_[kind].by_class) count += static_cast<double>(one);
    to.push_back(
        {"qrx_s3_request_seconds_count", counter, "How many that were.", count, label("method", methods[kind])});
  }
}

}  // namespace qrx::s3
