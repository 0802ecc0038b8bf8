// The rules: who may do what with a space, and when what becomes visible. Everything the routes do goes through here.
// Thread-safe; calls may wait for the disk, never for the network. What reads or writes whole files takes a stop token
// and ends with Kind::unavailable soon after a stop is asked for, by the token or by stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "space/blobs.h"
#include "space/catalog.h"
#include "space/model.h"

namespace qrx::space {

struct Policy {
  Seconds expire{24 * 3600};  // of a space, unless asked otherwise
  Seconds max_expire{7 * 24 * 3600};
  Seconds upload_expire{24 * 3600};  // of an upload that nobody continues; never beyond its space
  std::uint64_t max_size = 0;        // of one space; 0: no limit
  std::uint64_t max_files = 100'000;
  std::uint64_t max_total = 0;  // of all spaces; 0: what the disk has, less a reserve
  std::uint64_t max_spaces = 100'000;
  bool relaxed = false;                     // --durability relaxed: no syncs
  std::uint64_t reserve_bytes = 64U << 20;  // kept free on the disk; on a small disk a tenth of what was free at first
  Millis lock_wait{2000};                   // how long a newcomer waits for the holder of an upload to stop
  // How long room is kept for what was announced, while none of it arrives. What arrived stays; the room is asked for
  // again with the next bytes.
  Seconds promise_life{120};
};

// Told of each change. Called from any thread, must be cheap and must not call back.
class Events {
 public:
  virtual ~Events() = default;
  virtual void space_changed(const Guid& guid) = 0;  // its seq has grown
  virtual void upload_grew(const Id& upload) = 0;    // bytes arrived, or it ended
};

struct Created {
  SpaceRow space;
  Token token;
};

// Reads the bytes of a file, or of an upload while it grows.
class Content {
 public:
  virtual ~Content() = default;
  virtual const FileRow* file() const = 0;                  // null while it is an upload in progress
  virtual std::optional<std::uint64_t> length() const = 0;  // absent: not known yet
  virtual std::string name() const = 0;
  virtual int fd() const = 0;
  virtual std::uint64_t blob_offset() const = 0;                  // where the content begins in fd
  enum class Growth : std::uint8_t { growing, complete, ended };  // ended: will never be complete
  struct Available {
    std::uint64_t bytes;  // from the beginning
    Growth growth;
  };
  virtual Available available() const = 0;  // any thread; cheap
};

// The only writer of an upload. Destroying it keeps what was written: it is made durable and recorded.
class UploadWriter {
 public:
  virtual ~UploadWriter() = default;
  virtual std::uint64_t offset() const = 0;
  virtual Result<void> write(ByteView bytes) = 0;  // Kind::too_large beyond the announced length or a limit
  // Someone else asked for this upload (its sender came back): stop soon. Checked by write too (Kind::locked).
  virtual bool asked_to_stop() const = 0;
  struct Finished {
    std::uint64_t offset;
    bool complete;  // it has become a file (or a whole partial)
    std::optional<FileRow> file;
  };
  // Makes durable what was written since the start and records it; completes the upload when all is there, commits its
  // delivery when it is a lone one. Checks `expected` (tus checksum of the bytes of this writer) before; a wrong sum
  // truncates back and is Kind::integrity.
  virtual Result<Finished> finish() = 0;
};

// Who sends: the client's address. What costs nothing to begin (announced bytes, open deliveries, uploads without a
// byte) is shared out by it, so that one client shuts out nobody else. Empty (a Unix socket) is a client like others.
struct Sender {
  std::string peer;
};

struct NewUpload {
  std::string name;  // relative path, checked by the rules: Kind::integrity for an unsafe one
  std::string metadata;
  std::optional<std::uint64_t> length;
  std::optional<Id> delivery;  // join this one; absent: a delivery of its own
  bool partial = false;
};

struct ChunkChecksum {
  std::string algorithm;  // of upload_checksum_algorithms()
  std::vector<std::uint8_t> sum;
};

class Spaces {
 public:
  Spaces(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, Policy policy);
  ~Spaces();

  // After a start, before serving: truncates uploads to their durable offset, marks damaged ones, quarantines orphans.
  struct Recovered {
    std::uint64_t uploads = 0, truncated = 0, damaged = 0, incomplete = 0, quarantined = 0;
    std::vector<std::string> failures;  // what could not be put right, each with its reason; the rest was
  };
  Result<Recovered> recover(std::stop_token stop = {});

  const Policy& policy() const;

  // --- the receiver ---
  Result<Created> create(const wire::CreateSpace& wish);
  // Unknown space and wrong token are one error, Kind::not_found; expired is Kind::gone, for a right token only.
  Result<SpaceRow> owned(const Guid& guid, std::string_view token);
  // What the owner sees, a page of it; uploads, on the first page and at most as many as a page has files, carry the
  // bytes that arrived, not only the durable ones. So do open deliveries. url members are empty.
  Result<wire::SpaceInfo> view(const Guid& guid, std::string_view token, const PageStart& from = {},
                               const PageSize& size = {});
  // The seq of a space, cheaply; nothing when it is gone.
  std::optional<std::uint64_t> seq(const Guid& guid);
  Result<void> extend(const Guid& guid, std::string_view token, const wire::ChangeSpace& change);
  // With `deliveries`: only while so many are committed, else Kind::conflict. So who has fetched them loses none.
  Result<void> remove(const Guid& guid, std::string_view token, std::optional<std::uint64_t> deliveries = {});
  // An upload in progress, or a delivery that is not committed, with all that it holds. Kind::conflict once it is
  // complete or committed.
  Result<void> end_upload(const Guid& guid, std::string_view token, const Id& upload);
  Result<void> end_delivery(const Guid& guid, std::string_view token, const Id& delivery);
  Result<std::shared_ptr<Content>> content(const Guid& guid, std::string_view token, const Id& file);
  // Computes the SHA-256 of a stored file unless it is known, reading it once; remembers it.
  Result<Sha256Sum> sha256(const FileRow& file, std::stop_token stop = {});

  // --- the sender: the guid is the right ---
  Result<wire::DropInfo> drop(const Guid& guid);
  Result<void> known(const Guid& guid);  // the errors of drop(), without counting what is left
  // Kind::too_many when too many are open and none of them may yield: one that is empty yields to a newcomer, at once
  // to its own sender, and to others when it is idle.
  Result<DeliveryRow> open_delivery(const Guid& guid, const wire::CreateDelivery& wish, const Sender& sender = {});
  Result<wire::DeliveryState> delivery(const Guid& guid, const Id& delivery);
  // Of an open one; kept when it is committed.
  Result<void> set_message(const Guid& guid, const Id& delivery, const std::string& message);
  // All or nothing; again for a committed one: the same answer. Kind::conflict when files are missing or uploads run.
  Result<wire::DeliveryState> commit(const Guid& guid, const Id& delivery, const wire::CommitDelivery& wish);
  Result<void> cancel(const Guid& guid, const Id& delivery);

  // Again, for one of the same delivery that has no byte yet: the same upload, for the answer may have been lost.
  // Kind::no_room when there is no room now, Kind::too_large when it can never fit.
  Result<UploadRow> create_upload(const Guid& guid, const NewUpload& wish, const Sender& sender = {});
  Result<UploadRow> upload(const Guid& guid, const Id& upload);  // durable offset; Kind::gone when it has expired
  Result<void> set_length(const Guid& guid, const Id& upload, std::uint64_t length);  // once
  // Takes the upload's lock (asks a holder to stop and waits up to 2 s, else Kind::locked) and checks the offset
  // (Kind::conflict).
  Result<std::unique_ptr<UploadWriter>> write(const Guid& guid, const Id& upload, std::uint64_t offset,
                                              std::optional<ChunkChecksum> expected, const Sender& sender = {});
  Result<void> remove_upload(const Guid& guid, const Id& upload);
  Result<UploadRow> concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                std::stop_token stop = {});

  // A small file of an open delivery, whole (at most most_small_bytes). Durable when its delivery is committed, not
  // before.
  static constexpr std::uint64_t most_small_bytes = 256U << 10;
  Result<FileRow> put_small(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes);

  static std::string_view upload_checksum_algorithms();  // "md5,sha1,sha256,xxh128", for Tus-Checksum-Algorithm

  // --- the operator, who needs no token ---
  Result<std::vector<SpaceSummary>> list(const Guid& after, std::size_t most);  // by guid; what is durable
  // Nobody gets in any more, and running uploads end; what it holds stays until it expires. Kind::not_found.
  Result<void> block(const Guid& guid);
  Result<void> remove_by_operator(const Guid& guid);  // Kind::not_found

  // --- housekeeping ---
  struct Swept {
    std::uint64_t spaces = 0, uploads = 0, bytes = 0;
    std::vector<std::string> failures{};  // what could not be deleted, each with its reason; the rest was
  };
  // Deletes what has expired. Kind::unavailable when the wall clock jumped by over an hour since the last call.
  Result<Swept> sweep(std::stop_token stop = {});
  struct Checked {
    std::uint64_t files = 0, bytes = 0, missing = 0, corrupt = 0, orphans = 0;
  };
  // Compares catalog and blobs; verifies every stored checksum. `tell` gets a line about each finding.
  Result<Checked> check(const std::function<void(const std::string&)>& tell, std::stop_token stop = {});

  // Running writers stop soon, keep what they have, and no new ones start.
  void stop();

 private:
  friend class Shares;  // the recipients' side of the same rules (space/shares.h)
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::space
