#include "space/views.h"

#include <utility>

namespace qrx::space {

std::vector<wire::DeliveryInfo> to_infos(std::vector<CommittedPage::Delivery> deliveries) {
  std::vector<wire::DeliveryInfo> out;
  out.reserve(deliveries.size());
  for (auto& [row, files] : deliveries) {
    out.push_back({row.delivery, row.committed.value_or(row.created), std::move(row.message), {}});
    for (FileRow& file : files)
      out.back().files.push_back(
          {file.file, std::move(file.name), file.size, std::move(file.type), file.xxh128, file.sealed, {}});
  }
  return out;
}

}  // namespace qrx::space
