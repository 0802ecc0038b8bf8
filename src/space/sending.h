// What senders bring: who they are, what they announce, and the writer that takes their bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/result.h"
#include "space/model.h"
#include "wire/properties.h"

namespace qrx::space {

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
  // What came is still on its way into the store: no more should be written before this topic is woken.
  virtual std::optional<Id> full() const { return std::nullopt; }
  // Begins what finish() needs of a network, and gives the topic that is woken when to ask again; nothing: finish()
  // waits for none.
  virtual std::optional<Id> begin_finish() { return std::nullopt; }
  // Makes durable what was written since the start and records it; completes the upload when all is there, commits its
  // delivery when that is an implicit one (of this upload alone). Checks `expected` (tus checksum of the bytes of this
  // writer) before; a wrong sum truncates back and is Kind::integrity.
  virtual Result<Finished> finish() = 0;
};

// Small files that come together into an open delivery. Destroyed without finish(), what was added may be in it or not.
class FileBatch {
 public:
  virtual ~FileBatch() = default;
  // The next one, whole; gives its sum. Errors as those of Spaces::put_small(); those before it stay good.
  virtual Result<Xxh128Sum> add(std::string_view name, ByteView bytes, const wire::FileProperties& properties) = 0;
  // Both as those of UploadWriter; the topic of begin_finish() may be another one each time.
  virtual std::optional<Id> full() { return std::nullopt; }
  virtual std::optional<Id> begin_finish() { return std::nullopt; }
  // What was added is in the delivery; of many nodes it is durable. Once.
  virtual Result<void> finish() { return {}; }
};

// Who sends: the client's address. What costs nothing to begin (announced bytes, open deliveries, uploads without a
// byte) is shared out by it, so that one client shuts out nobody else. Empty (a Unix socket) is a client like others.
struct Sender {
  std::string peer;
};

struct NewUpload {
  std::string name;      // relative path, checked by the rules: Kind::integrity for an unsafe one
  std::string metadata;  // in the form of Upload-Metadata (wire/tus.h)
  std::optional<std::uint64_t> length;
  std::optional<Id> delivery;  // join this one; absent: a delivery of its own
  bool partial = false;
};

struct ChunkChecksum {
  std::string algorithm;  // of upload_checksum_algorithms()
  std::vector<std::uint8_t> sum;
};

}  // namespace qrx::space
