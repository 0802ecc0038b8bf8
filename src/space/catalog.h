// The catalog that the rules need: rows, changed in transactions. Implementations: src/store/sqlite_catalog.h,
// src/pg/pg_catalog.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "space/blobs.h"
#include "space/model.h"
#include "space/receipt_model.h"
#include "space/share_model.h"

namespace qrx::space {

// The writes of one transaction. Methods throw nothing; a failed statement makes the whole transaction fail.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual std::optional<SpaceState> space(const Guid& guid) = 0;  // as of this transaction
  // Rows by their keys, inserted or replaced. Of a space all but `use`, which the catalog keeps by itself.
  virtual void put_space(const SpaceRow& row) = 0;
  virtual void put_delivery(const DeliveryRow& row) = 0;
  virtual void put_file(const FileRow& row) = 0;
  virtual void put_upload(const UploadRow& row) = 0;
  virtual void put_files(std::span<const FileRow> rows) {  // of one space
    for (const FileRow& row : rows) put_file(row);
  }

  // The next version of a space, with what changes beside it; nothing changes when `more` does not fit.
  virtual SpaceChanged change_space(const Guid& guid, const SpaceChange& change) = 0;
  // What is put counts by change_space(); what is removed counts no more by itself, and its blobs, which are given
  // back, stand in the trash. A blob that other files of the delivery share stays until the last of them is removed.
  virtual std::vector<BlobKey> remove_upload(const Id& upload) = 0;
  virtual std::vector<BlobKey> remove_file(const Id& file) = 0;
  // What may have any number of rows goes in steps of at most rows_at_once of them, each a transaction: the first makes
  // it gone for every reader, and remove_rest() is to be called until nothing is left of it. What is left after a crash
  // is found by Catalog::gone_deliveries() and Catalog::expired().
  //
  // A delivery with its files and uploads, unless it is committed. What its rows count for counts until they go.
  virtual Removed remove_delivery(const Id& delivery) = 0;
  // A committed one, with its files; likewise. What its sender may still ask for stays, as past files.
  virtual Removed clear_delivery(const Id& delivery) = 0;
  virtual Removed remove_rest(const GoneDelivery& delivery) = 0;
  // Files of an open delivery that lie in its pack, whose commit did not come to its end: as if they had never been
  // put. Gives whether there may be more. The pack stays.
  virtual bool take_back_pack(const DeliveryRow& delivery) = 0;
  // With everything in it but its receipts; the packs of open deliveries too, whether there are any or not. Nothing of
  // it counts from now on, and change_space() does not find it.
  virtual Removed remove_space(const Guid& guid) = 0;
  virtual Removed remove_rest(const Guid& guid) = 0;   // of a space that is dying; `all` when there is none
  virtual void discard(const BlobKey& blob) = 0;       // into the trash
  virtual void forget_trash(const BlobKey& blob) = 0;  // it is removed
  // With it, of a store of objects: they told until then what was to be removed.
  virtual void forget_extents(const BlobKey& blob) = 0;
  // What a blob in a store of objects is made of, beside what was put before (table segments: blob, first, size,
  // object, at; key: blob and first; by object). Always in the transaction that makes those bytes count:
  // advance_upload(), finish_upload() or the rows of a commit. Nothing to be done for none. Where nodes share the store
  // the change fails with Kind::unavailable for what was stored too long ago (Extent::until).
  virtual void put_extents(const BlobKey& blob, const Extents& extents) = 0;
  virtual std::uint64_t committed_deliveries(const Guid& guid) = 0;  // how many

  // As of this transaction; of one that is not committed, nobody adds to it before its end.
  virtual std::optional<UploadRow> upload(const Id& upload) = 0;
  virtual std::optional<OpenDelivery> open_delivery(const Id& delivery) = 0;

  // Only for the writer with the upload's epoch: nothing is done, and false given, once somebody else goes on with it,
  // or it is gone. The offset grows from `row.offset` to `offset`; holder, blob and expiry are taken from the row, too,
  // and no spare is left.
  virtual bool advance_upload(const UploadRow& row, std::uint64_t offset) = 0;
  virtual bool change_upload(const UploadRow& row) = 0;  // length, damaged, expires, holder
  // For a new writer at `row.offset`: the next epoch, with the row's holder, spare and expiry. Nothing when it stands
  // at another offset.
  virtual std::optional<std::uint64_t> begin_writing(const UploadRow& row) = 0;
  // The row goes, for the upload becomes a file; what it counts for stays, for the file. Gives its durable offset.
  // Other blobs than `row.blob` that it named stand in the trash.
  virtual std::optional<std::uint64_t> finish_upload(const UploadRow& row) = 0;
  // False when it is committed or gone.
  virtual bool commit_delivery(const DeliveryRow& row) = 0;
  virtual void remember(const std::string& name, const std::string& value) = 0;  // a note of the rules, kept for later

  virtual std::optional<ReceiptRow> receipt(const Id& delivery) = 0;
  virtual void put_receipt(const ReceiptRow& row) = 0;
  virtual std::optional<ReceiptState> file_receipt(const Id& delivery, const Id& file) = 0;
  virtual void put_file_receipt(const FileReceiptRow& row) = 0;
  virtual FileReceiptCounts count_file_receipts(const Id& delivery) = 0;
  // Of deliveries that are gone, since before, at most rows_at_once of them; gives whether there may be more. Their
  // past files go like the rest of a delivery that is gone.
  virtual bool forget_receipts(WallTime before) = 0;

  // Shares go with their space. What is read here is as of this transaction.
  virtual std::optional<ShareRow> share(const Id& share) = 0;
  virtual std::vector<ShareRow> shares_to(const Guid& guid, const std::string& to) = 0;  // newest first
  struct ShareCounts {
    std::uint64_t all = 0, live = 0;  // live: not revoked
  };
  virtual ShareCounts count_shares(const Guid& guid) = 0;
  virtual void put_share(const ShareRow& row) = 0;
  virtual std::optional<ShareFileRow> share_file(const Id& share, const Id& file) = 0;
  virtual void put_share_file(const ShareFileRow& row) = 0;
  virtual std::vector<TransferLease> leases(const Id& share, const Id& file, WallTime now) = 0;  // not over by now
  virtual void put_lease(const TransferLease& row) = 0;
  virtual void remove_lease(const Id& lease) = 0;
  virtual void renew_leases(const Id& node, WallTime now, WallTime until) = 0;  // its own; those that are over go
  virtual std::optional<NoticeRow> notice(const Id& share) = 0;
  virtual void put_notice(const NoticeRow& row) = 0;
  virtual void remove_notice(const Id& share) = 0;  // its secrets are overwritten
  // Adds to what was counted under this name on this day, and gives the sum. Earlier days are forgotten.
  virtual std::uint64_t count(std::uint64_t day, const std::string& name, std::uint64_t more) = 0;
};

enum class Durability : std::uint8_t {
  durable,  // survives power loss when change() returns
  lazy,     // survives the end of the process; power loss may take it until the next durable change
};

// Thread-safe. Kind::unavailable: worth asking again soon; Kind::no_room: its disk is full.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // Runs `work` in one transaction and returns when it is committed. An error from `work` rolls it back and comes back;
  // what it throws comes back as Kind::other with the reason.
  // `work` must not block, and may run again. Works about one space run one after another, about different ones perhaps
  // side by side: a work is about one space, and holds no lock while it asks the transaction for something.
  virtual Result<void> change(Durability durability, const std::function<Result<void>(Transaction&)>& work) = 0;

  // A consistent copy, cheap when nothing changed since the last call; null when there is no such space, or it is
  // dying.
  virtual Result<std::shared_ptr<const SpaceState>> space(const Guid& guid) = 0;
  virtual Result<std::optional<std::uint64_t>> seq(const Guid& guid) = 0;  // of the row alone; nothing: as space()

  // What is committed, page by page: deliveries as they were committed, the files of each as they arrived. A delivery
  // that is committed meanwhile is on a later page as a whole.
  virtual Result<CommittedPage> committed(const Guid& guid, const PageStart& from, const PageSize& most) = 0;
  virtual Result<std::uint64_t> committed_files(const Guid& guid) = 0;  // how many

  virtual Result<std::vector<SpaceSummary>> summaries(const Guid& after, std::size_t most) = 0;  // by guid

  struct Totals {
    // Of spaces that are not dying. bytes: of files, of uploads that arrived durably, of names and messages.
    std::uint64_t spaces = 0, bytes = 0;
  };
  virtual Result<Totals> totals() = 0;
  // Without reading its whole space. Not of a delivery that is gone.
  virtual Result<std::optional<FileRow>> file(const Id& file) = 0;
  // Those of them that there are, in this order.
  virtual Result<std::vector<FileRow>> files(std::span<const Id> ids) {
    std::vector<FileRow> rows;
    for (const Id& id : ids) {
      auto row = file(id);
      if (!row) return tl::unexpected(row.error());
      if (*row) rows.push_back(std::move(**row));
    }
    return rows;
  }
  virtual Result<std::vector<DeliveryRow>> open_deliveries() = 0;  // of all spaces, not committed yet
  virtual Result<std::optional<std::string>> remembered(const std::string& name) = 0;
  virtual Result<std::vector<Guid>> expired(WallTime now, std::size_t most) = 0;  // past their time, or dying
  virtual Result<std::vector<GoneDelivery>> gone_deliveries() = 0;                // those with rows that are left
  virtual Result<std::vector<UploadRow>> uploads() = 0;                           // all, for recovery and expiry
  virtual Result<std::vector<BlobKey>> blobs() = 0;  // all that any row names, those of the trash too
  virtual Result<std::vector<BlobKey>> trash(const BlobKey& after, std::size_t most) = 0;  // by key
  virtual Result<Extents> extents(const BlobKey& blob) = 0;  // as they were put, by `first`
  // Whether a blob other than this one is made of it, too.
  virtual Result<bool> shares_object(const std::string& object, const BlobKey& blob) = 0;
  virtual Result<std::vector<FileRow>> files_after(const Id& last, std::size_t most) = 0;  // for check, by id
  virtual Result<void> check() = 0;  // the catalog's own integrity

  virtual Result<std::optional<ReceiptRow>> receipt(const Id& delivery) = 0;
  virtual Result<std::vector<FileReceiptRow>> file_receipts(const Id& delivery) = 0;
  // Of deliveries that were cleared, as long as their receipts are kept, and at most most_past_files of a space beside
  // its last delivery. Without blob and type.
  virtual Result<std::optional<FileRow>> past_file(const Id& file) = 0;
  virtual Result<std::vector<FileRow>> past_files(const Id& delivery) = 0;  // as they arrived

  // Behind those that ended with `next`; 0: from the first.
  virtual Result<SharePage> shares(const Guid& guid, std::uint64_t next, const SharePageSize& most) = 0;
  virtual Result<std::optional<ShareRow>> share(const Id& share) = 0;
  virtual Result<std::optional<ShareRow>> share_of_link(const Sha256Sum& link_hash) = 0;
  virtual Result<std::optional<ShareFileRow>> share_file(const Id& share, const Id& file) = 0;
  virtual Result<std::vector<ShareFileRow>> share_files(const Id& share) = 0;
  virtual Result<std::uint64_t> least_taken(const Id& share) = 0;  // of the files that it took at all
  // The next to be sent that nobody has claimed, and whose transport is not among the busy ones: " mail exec.x ", or
  // empty.
  virtual Result<std::optional<NoticeRow>> next_notice(const std::string& busy) = 0;
  virtual Result<std::vector<NoticeRow>> claimed_notices() = 0;
  virtual Result<std::vector<Id>> claims_before(WallTime noticed) = 0;  // shares that are `sending` since before
  // Removed secrets leave the files of the catalog, too, and not only its tables. May wait for readers.
  virtual Result<void> purge() = 0;
};

}  // namespace qrx::space
