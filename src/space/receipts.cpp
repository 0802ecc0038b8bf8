#include "space/receipts.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "space/delivered.h"
#include "wire/limits.h"

namespace qrx::space {
namespace {

// A sender that waits asks again within minutes; a day also covers a laptop that slept overnight.
constexpr auto outlive_their_delivery = std::chrono::hours(24);

// The manifest of a sealed delivery is no file of it.
struct Files {
  std::unordered_set<Id, IdHash> files, manifests;
};

Result<Files> files_of(Catalog& catalog, const Guid& guid, const Id& delivery) {
  const auto delivered = find_delivered(catalog, guid, delivery);
  if (!delivered) return tl::unexpected(delivered.error());
  if (delivered->cleared) return no_such_delivery();  // all was said of it
  Files out;
  for (const FileRow* file : delivered->files)
    (file->name == wire::manifest_name ? out.manifests : out.files).insert(file->file);
  return out;
}

// Files with a row of their own count by it, all others as the delivery as a whole was receipted (`rest`).
wire::ReceiptCounts counts_of(const FileReceiptCounts& own, ReceiptState rest, std::uint64_t files) {
  FileReceiptCounts all{};
  std::uint64_t said = 0;
  for (const ReceiptState state : {ReceiptState::kept, ReceiptState::declined, ReceiptState::saved}) {
    said += own[static_cast<std::size_t>(state)];
    all[static_cast<std::size_t>(state_of(state, rest))] += own[static_cast<std::size_t>(state)];
  }
  all[static_cast<std::size_t>(rest)] += files - std::min(said, files);
  return {all[static_cast<std::size_t>(ReceiptState::saved)], all[static_cast<std::size_t>(ReceiptState::declined)],
          all[static_cast<std::size_t>(ReceiptState::kept)], all[static_cast<std::size_t>(ReceiptState::none)]};
}

}  // namespace

Result<void> Receipts::record(LiveSpace& live, const Id& delivery, const wire::Receipt& receipt) {
  const Guid guid = live.row.guid;
  const auto of = files_of(context_.catalog, guid, delivery);
  if (!of) return tl::unexpected(of.error());
  std::vector<Id> named;
  for (const Id& file : receipt.files) {
    if (of->files.contains(file))
      named.push_back(file);
    else if (!of->manifests.contains(file))
      return fail(Kind::usage, "a file is named that is not of this delivery");
  }
  // Only a manifest was named, which is no file for the sender.
  if (named.empty() && !receipt.files.empty()) return {};
  // A text has no file, and is one thing to be received all the same.
  const std::uint64_t files = std::max<std::uint64_t>(of->files.size(), 1);
  // Under the gate, so that nothing is said of a space that is being deleted.
  const SharedGate gate(live);
  const About about{delivery, guid, files};
  std::span<const Id> rest = named;
  do {
    // Each piece for itself: whoever was not told that all is recorded says it again.
    const auto piece = rest.first(std::min(rest.size(), rows_at_once));
    rest = rest.subspan(piece.size());
    if (auto recorded = record(about, receipt.state, piece); !recorded) return recorded;
  } while (!rest.empty());
  context_.events.delivery_changed(delivery);
  return {};
}

Result<void> Receipts::record(const About& about, ReceiptState state, std::span<const Id> named) {
  return context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    const Id& delivery = about.delivery;
    ReceiptRow row =
        transaction.receipt(delivery).value_or(ReceiptRow{delivery, about.guid, 1, ReceiptState::none, {}, {}});
    // States only advance (none, kept, declined, saved): a receipt that comes late or twice takes nothing back.
    if (named.empty()) row.rest = std::max(row.rest, state);
    for (const Id& file : named) {
      const auto own = transaction.file_receipt(delivery, file);
      if (state > (own ? state_of(*own, row.rest) : row.rest))
        transaction.put_file_receipt({delivery, file, about.guid, state});
    }
    const auto counts = counts_of(transaction.count_file_receipts(delivery), row.rest, about.files);
    // The version moves, and wakes the sender, only when what it sees changes.
    if (counts == row.counts) return {};
    row.counts = counts;
    ++row.version;
    row.at = context_.clock.wall();
    transaction.put_receipt(row);
    return {};
  });
}

Result<wire::DeliveryStatus> Receipts::status(LiveSpace& live, const Id& delivery, bool unsaved) const {
  const auto delivered = find_delivered(context_.catalog, live.row.guid, delivery);
  if (!delivered) return tl::unexpected(delivered.error());
  auto row = context_.catalog.receipt(delivery);
  if (!row) return tl::unexpected(row.error());
  std::unordered_map<Id, ReceiptState, IdHash> own;
  if (*row) {
    auto said = context_.catalog.file_receipts(delivery);
    if (!said) return tl::unexpected(said.error());
    for (const FileReceiptRow& one : *said) own.emplace(one.file, one.state);
  }
  const ReceiptState rest = *row ? (*row)->rest : ReceiptState::none;
  wire::DeliveryStatus out{delivery, true, {}, *row ? (*row)->version : 1, std::nullopt};
  std::uint64_t files = 0;
  for (const FileRow* file : delivered->files) {
    files += file->name == wire::manifest_name ? 0 : 1;
    const auto said = own.find(file->file);
    const ReceiptState receipt = said == own.end() ? rest : state_of(said->second, rest);
    // `unsaved` is for senders of many files: only what was not saved is listed, and not without end.
    const bool is_wanted = !unsaved || receipt == ReceiptState::kept || receipt == ReceiptState::declined;
    if (is_wanted && !(unsaved && out.files.size() == wire::most_unsaved_files))
      out.files.push_back({{file->name, file->size, file->xxh128}, receipt});
  }
  out.receipt = *row ? (*row)->counts : wire::ReceiptCounts{0, 0, 0, std::max<std::uint64_t>(files, 1)};
  return out;
}

Result<std::uint64_t> Receipts::version(const Id& delivery) const {
  const auto row = context_.catalog.receipt(delivery);
  if (!row) return tl::unexpected(row.error());
  return *row ? (*row)->version : 1;
}

Result<std::optional<wire::DeliveryStatus>> Receipts::of_gone_space(const Guid& guid, const Id& delivery) const {
  const auto row = context_.catalog.receipt(delivery);
  if (!row) return tl::unexpected(row.error());
  if (!*row || (*row)->guid != guid) return std::optional<wire::DeliveryStatus>();
  wire::DeliveryStatus out;
  out.delivery = delivery;
  out.committed = true;
  out.seq = (*row)->version;
  out.receipt = (*row)->counts;
  return std::optional(std::move(out));
}

Result<void> Receipts::forget_old(const std::stop_token& stop) {
  for (bool more = true; more;) {
    if (auto on = context_.go_on(stop); !on) return on;
    auto forgotten = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      more = transaction.forget_receipts(context_.clock.wall() - outlive_their_delivery);
      return {};
    });
    if (!forgotten) return forgotten;
  }
  return {};
}

}  // namespace qrx::space
