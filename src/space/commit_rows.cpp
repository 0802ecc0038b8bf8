#include "space/commit_rows.h"

#include <algorithm>
#include <optional>

namespace qrx::space {
namespace {

constexpr std::size_t deliveries_at_once = 64;  // of a start: most have no such rows

}  // namespace

std::vector<FileRow> rows_of(const Pack& pack) {
  std::vector<FileRow> rows;
  rows.reserve(pack.files.size());
  for (const auto& [name, file] : pack.files) rows.push_back(file);
  std::sort(rows.begin(), rows.end(), [](const FileRow& a, const FileRow& b) { return a.blob_offset < b.blob_offset; });
  return rows;
}

Use use_of(std::span<const FileRow> rows) {
  Use use;
  for (const FileRow& row : rows) use += {row.size, weight_of(row.name)};
  return use;
}

Result<void> CommitRows::put_ahead(LiveSpace& live, LiveDelivery& delivery, std::span<const FileRow>& rows) {
  // Of an attempt that could not even take them back.
  if (auto clean = take_back(delivery); !clean) return clean;
  while (rows.size() > rows_at_once) {
    const auto next = rows.first(rows_at_once);
    SpaceChange change;
    change.more = use_of(next);
    delivery.pack.ahead = true;
    // Lazily: the transaction that commits makes all of them durable.
    auto put = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      transaction.put_files(next);
      std::optional<SpaceHead> head;  // not shown: nobody sees anything of it
      return versions_.advance(live, transaction, head, change);
    });
    if (!put) {
      (void)take_back(delivery);
      return put;
    }
    rows = rows.subspan(rows_at_once);
  }
  return {};
}

Result<void> CommitRows::take_back(LiveDelivery& delivery) {
  while (delivery.pack.ahead) {
    bool more = false;
    auto taken = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      more = transaction.take_back_pack(delivery.row);
      return {};
    });
    if (!taken) return taken;
    delivery.pack.ahead = more;
  }
  return {};
}

Result<void> CommitRows::take_back_all() {
  const auto open = context_.catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  for (std::size_t at = 0; at < open->size();) {
    auto taken = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      const std::size_t end = std::min(open->size(), at + deliveries_at_once);
      while (at < end && !transaction.take_back_pack((*open)[at])) ++at;
      return {};
    });
    if (!taken) return taken;
  }
  return {};
}

}  // namespace qrx::space
