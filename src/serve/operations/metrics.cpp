#include "serve/operations/metrics.h"

namespace qrx::serve {
namespace {

void add(Measures& to, const char* name, Measure::Type type, const char* help, std::uint64_t value) {
  to.push_back({name, type, help, static_cast<double>(value)});
}

}  // namespace

Measures measures_of(const front::Server::Counts& counts, const Site& site, Data& data) {
  using enum Measure::Type;
  Measures out;
  add(out, "qrx_connections", gauge, "Open connections.", counts.connections);
  add(out, "qrx_waiting", gauge, "Requests that wait for a change.", counts.waiting);
  add(out, "qrx_threads", gauge, "Threads of the pool.", counts.threads);
  add(out, "qrx_requests_total", counter, "Requests taken.", counts.requests);
  add(out, "qrx_received_bytes_total", counter, "Bytes taken from clients.", counts.bytes_in);
  add(out, "qrx_sent_bytes_total", counter, "Bytes given to clients.", counts.bytes_out);
  add(out, "qrx_spaces_created_total", counter, "Spaces opened.", site.spaces_created);
  add(out, "qrx_files_received_total", counter, "Files that arrived in full.", site.files_received);
  add(out, "qrx_redirected_total", counter, "Downloads that were sent to the S3 store.", site.redirected());
  // A catalog that does not answer leaves these two out; the rest is of use all the same.
  if (const auto totals = data.catalog().totals()) {
    add(out, "qrx_spaces", gauge, "Spaces there are.", totals->spaces);
    add(out, "qrx_stored_bytes", gauge, "Bytes of files, uploads, their names and messages.", totals->bytes);
  }
  if (data.shared() != nullptr) {
    add(out, "qrx_uploads_taken_over_total", counter, "Uploads gone on with here that another node had not let go.",
        data.spaces().taken_over());
    data.shared()->measure(out);
  }
  data.blobs().measure(out);
  return out;
}

}  // namespace qrx::serve
