#include "serve/operations/metrics.h"

namespace qrx::serve {
namespace {

void add(std::string& out, const char* name, const char* type, const char* help, std::uint64_t value) {
  // "# HELP name text", "# TYPE name counter", "name 42".
  out += std::string("# HELP ") + name + ' ' + help + "\n# TYPE " + name + ' ' + type + '\n' + name + ' ' +
         std::to_string(value) + '\n';
}

}  // namespace

std::string metrics_text(const front::Server::Counts& counts, const Site& site,
                         const Result<space::Catalog::Totals>& totals) {
  std::string out;
  add(out, "qrx_connections", "gauge", "Open connections.", counts.connections);
  add(out, "qrx_waiting", "gauge", "Requests that wait for a change.", counts.waiting);
  add(out, "qrx_threads", "gauge", "Threads of the pool.", counts.threads);
  add(out, "qrx_requests_total", "counter", "Requests taken.", counts.requests);
  add(out, "qrx_received_bytes_total", "counter", "Bytes taken from clients.", counts.bytes_in);
  add(out, "qrx_sent_bytes_total", "counter", "Bytes given to clients.", counts.bytes_out);
  add(out, "qrx_spaces_created_total", "counter", "Spaces opened.", site.spaces_created);
  add(out, "qrx_files_received_total", "counter", "Files that arrived in full.", site.files_received);
  // A catalog that does not answer leaves these two out; the rest is of use all the same.
  if (totals) {
    add(out, "qrx_spaces", "gauge", "Spaces there are.", totals->spaces);
    add(out, "qrx_stored_bytes", "gauge", "Bytes of files and uploads.", totals->bytes);
  }
  return out;
}

}  // namespace qrx::serve
