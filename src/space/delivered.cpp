#include "space/delivered.h"

#include <algorithm>
#include <utility>

#include "space/context.h"

namespace qrx::space {

Result<Delivered> find_delivered(Catalog& catalog, const Guid& guid, const Id& delivery) {
  Delivered out;
  auto state = catalog.space(guid);
  if (!state) return tl::unexpected(state.error());
  if (*state == nullptr) return no_such_delivery();
  const auto& rows = (*state)->deliveries;
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& one) { return one.delivery == delivery; });
  if (row != rows.end()) {
    if (!row->committed) return no_such_delivery();
    out.text_bytes = row->message.size();
    out.space = std::move(*state);
    for (const FileRow& file : out.space->files)
      if (file.delivery == delivery) out.files.push_back(&file);
    return out;
  }
  const auto receipt = catalog.receipt(delivery);
  if (!receipt) return tl::unexpected(receipt.error());
  if (!*receipt || (*receipt)->guid != guid) return no_such_delivery();
  auto past = catalog.past_files(delivery);
  if (!past) return tl::unexpected(past.error());
  out.cleared = true;
  out.past = std::move(*past);
  for (const FileRow& file : out.past) out.files.push_back(&file);
  return out;
}

}  // namespace qrx::space
