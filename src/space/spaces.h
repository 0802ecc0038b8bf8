// The rules: who may do what with a space, and when what becomes visible. Everything the routes do goes through here.
// Thread-safe; calls may wait for the disk, never for the network. What reads or writes whole files takes a stop token
// and ends with Kind::unavailable soon after a stop is asked for, by the token or by stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "space/blobs.h"
#include "space/catalog.h"
#include "space/content.h"
#include "space/model.h"
#include "space/outcomes.h"
#include "space/policy.h"
#include "space/sending.h"
#include "wire/receipt.h"

namespace qrx::space {

struct Rules;  // space/rules.h; private to src/space

struct Created {
  SpaceRow space;
  Token token;
};

class Spaces {
 public:
  Spaces(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, Policy policy);
  ~Spaces();

  // After a start, before serving: truncates uploads to their durable offset, marks damaged ones, quarantines orphans.
  using Recovered = space::Recovered;
  Result<Recovered> recover(std::stop_token stop = {});

  const Policy& policy() const;

  // --- the receiver ---
  Result<Created> create(const wire::CreateSpace& wish);
  // Unknown space and wrong token are one error, Kind::not_found; expired is Kind::gone, for a right token only.
  Result<SpaceRow> owned(const Guid& guid, std::string_view token);
  // What the owner sees, a page of it; uploads, on the first page and at most as many as a page has files, carry the
  // bytes that arrived, not only the durable ones. So do open deliveries.
  Result<wire::SpaceInfo> view(const Guid& guid, std::string_view token, const PageStart& from = {},
                               const PageSize& size = {});
  // The seq of a space, cheaply; nothing when it is gone.
  std::optional<std::uint64_t> seq(const Guid& guid);
  Result<void> extend(const Guid& guid, std::string_view token, const wire::ChangeSpace& change);
  // With `deliveries`: only while so many are committed, else Kind::conflict. So an owner that has fetched them does
  // not lose one that came meanwhile.
  Result<void> remove(const Guid& guid, std::string_view token, std::optional<std::uint64_t> deliveries = {});
  // An upload in progress, or a delivery that is not committed, with all that it holds. Kind::conflict once it is
  // complete or committed.
  Result<void> end_upload(const Guid& guid, std::string_view token, const Id& upload);
  Result<void> end_delivery(const Guid& guid, std::string_view token, const Id& delivery);
  // The contents of a committed delivery, which its receiver has: they go, its receipt stays for a day. Again is fine.
  // Kind::conflict while it is not committed, not all of it is said to be saved or declined, or a link shares it.
  Result<void> clear_delivery(const Guid& guid, std::string_view token, const Id& delivery);
  // What became of a committed delivery, for its sender; durable. Kind::not_found for another one, Kind::usage when a
  // file is not of it.
  Result<void> record_receipt(const Guid& guid, std::string_view token, const Id& delivery,
                              const wire::Receipt& receipt);
  Result<std::shared_ptr<Content>> content(const Guid& guid, std::string_view token, const Id& file);
  // Of a committed delivery, those of these files that are there, in this order.
  Result<std::unique_ptr<StoredFiles>> contents(const Guid& guid, std::string_view token, const Id& delivery,
                                                std::span<const Id> files);
  // Computes the SHA-256 of a stored file unless it is known, reading it once; remembers it.
  Result<Sha256Sum> sha256(const FileRow& file, std::stop_token stop = {});

  // --- the sender: the guid is the right ---
  Result<wire::DropInfo> drop(const Guid& guid);
  Result<void> known(const Guid& guid);  // the errors of drop(), without counting what is left
  // When too many are open and none of them may yield: Kind::too_many of who has opened its share of them, else
  // Kind::no_room_now. One that is empty yields to a newcomer, at once to its own sender, and to others when it is
  // idle.
  Result<DeliveryRow> open_delivery(const Guid& guid, const wire::CreateDelivery& wish, const Sender& sender = {});
  Result<wire::DeliveryState> delivery(const Guid& guid, const Id& delivery);
  // With what its receiver said of it; of that also for a day after its space is gone. `unsaved`: of the files only
  // those of which was said that they are not saved, at most most_unsaved_files.
  Result<wire::DeliveryStatus> status(const Guid& guid, const Id& delivery, bool unsaved = false);
  // The seq of a delivery, cheaply; nothing when it is gone and nothing was said of it.
  std::optional<std::uint64_t> delivery_seq(const Guid& guid, const Id& delivery);
  // How many files are read to tell of it: its own while it is open, then all of its space. 0 when the space is
  // unknown.
  std::uint64_t files_to_read(const Guid& guid, const Id& delivery);
  std::uint64_t files_held(const Guid& guid);  // by a space, in all; likewise
  // Of an open one; kept when it is committed.
  Result<void> set_message(const Guid& guid, const Id& delivery, const std::string& message);
  // All or nothing; again for a committed one: the same answer. Kind::conflict when files are missing or uploads run.
  Result<wire::DeliveryState> commit(const Guid& guid, const Id& delivery, const wire::CommitDelivery& wish);
  Result<void> cancel(const Guid& guid, const Id& delivery);

  // Again, for one of the same delivery that has no byte yet: the same upload, for the answer may have been lost.
  // Kind::too_large when it can never fit, Kind::no_room_now when it does not fit beside what others are sending, and
  // Kind::no_room when the server is full.
  Result<UploadRow> create_upload(const Guid& guid, const NewUpload& wish, const Sender& sender = {});
  Result<UploadRow> upload(const Guid& guid, const Id& upload);  // durable offset; Kind::gone when it has expired
  Result<void> set_length(const Guid& guid, const Id& upload, std::uint64_t length);  // once
  // Takes the upload's lock (asks a holder to stop and waits up to 2 s, else Kind::locked) and checks the offset
  // (Kind::conflict).
  Result<std::unique_ptr<UploadWriter>> write(const Guid& guid, const Id& upload, std::uint64_t offset,
                                              std::optional<ChunkChecksum> expected, const Sender& sender = {});
  // How many bytes of an upload have to be read before it can be gone on with: those that came before a restart.
  std::uint64_t unread(const Guid& guid, const Id& upload);
  // Reads them, so that write() and set_length() need not. Errors as those of write().
  Result<void> catch_up(const Guid& guid, const Id& upload, std::stop_token stop = {});
  Result<void> remove_upload(const Guid& guid, const Id& upload);
  Result<UploadRow> concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                std::stop_token stop = {});

  // A small file of an open delivery, whole (at most wire::most_small_bytes). Durable when its delivery is committed,
  // not before.
  Result<FileRow> put_small(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                            const wire::FileProperties& properties = {}, const Sender& sender = {});

  // Many of them, one after another.
  Result<std::unique_ptr<FileBatch>> begin_batch(const Guid& guid, const Id& delivery, const Sender& sender = {});

  static std::string_view upload_checksum_algorithms();  // "md5,sha1,sha256,xxh128", for Tus-Checksum-Algorithm

  // --- the operator, who needs no token ---
  Result<std::vector<SpaceSummary>> list(const Guid& after, std::size_t most);  // by guid; what is durable
  // Nobody gets in any more; running uploads end, and so do downloads (Content::is_cut(), Transfer::is_cut()). What it
  // holds stays until it expires. Kind::not_found.
  Result<void> block(const Guid& guid);
  Result<void> remove_by_operator(const Guid& guid);  // Kind::not_found

  // --- housekeeping ---
  using Swept = space::Swept;
  // Deletes what has expired. Kind::unavailable when the wall clock jumped by over an hour since the last call.
  Result<Swept> sweep(std::stop_token stop = {});
  using Checked = space::Checked;
  // Compares catalog and blobs; verifies every stored checksum. `tell` gets a line about each finding.
  Result<Checked> check(const std::function<void(const std::string&)>& tell, std::stop_token stop = {});

  // Running writers stop soon, keep what they have, and no new ones start.
  void stop();

  // Of many nodes: how often one took an upload over that another had not let go.
  std::uint64_t taken_over() const;

  Rules& rules() { return *rules_; }  // of the same rules, for shares (space/rules.h)

 private:
  const std::unique_ptr<Rules> rules_;
};

}  // namespace qrx::space
