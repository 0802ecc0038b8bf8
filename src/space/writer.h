// The writer of one upload, from the taking of its lock to its release.
// Private to src/space.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/checksum.h"
#include "space/completing.h"
#include "space/context.h"
#include "space/live.h"
#include "space/quotas.h"
#include "space/sending.h"
#include "space/uploads.h"
#include "space/versions.h"

namespace qrx::space {

struct WriterParts {
  Context& context;
  Quotas& quotas;
  Versions& versions;
  Uploads& uploads;
  Completion& completion;
};

class Writer final : public UploadWriter, public ActiveWriter {
 public:
  struct Checksum {
    NamedSum running;
    std::vector<std::uint8_t> expected;
  };
  // The staged bytes of the upload end at its offset, its running sum too.
  Writer(const WriterParts& parts, LivePtr live, UploadLock hold, std::unique_ptr<Staged> staged,
         std::optional<Checksum> checksum);
  ~Writer() override;

  std::uint64_t offset() const override;
  Result<void> write(ByteView bytes) override;
  bool asked_to_stop() const override;
  std::optional<Id> full() const override { return staged_->full(); }
  std::optional<Id> begin_finish() override;
  Result<Finished> finish() override;

  // A newcomer takes the upload from a writer that only waits for its client, who may be long gone: what arrived is
  // kept and the lock let go.
  void give_way() override;

 private:
  void give_up();
  Result<void> check_stop() const;
  Result<void> reserve(std::uint64_t bytes);  // of the quotas, some ahead when the length is known
  void unreserve(std::uint64_t bytes);
  void show_growth();
  Result<std::uint64_t> make_durable(bool last);
  void lose(const Error& error);
  void forget_unkept();
  Result<void> record(bool last);  // durable, then the row
  Result<void> let_go();           // of many nodes: the row says that nobody writes into the blob any more
  Result<Finished> keep();         // what was written stays: recorded, completed when all is there
  void roll_back();                // what was written goes

  const WriterParts parts_;
  const LivePtr live_;
  const UploadPtr upload_;
  UploadLock hold_;
  const std::unique_ptr<Staged> staged_;
  std::optional<Checksum> checksum_;
  const std::uint64_t start_;
  const std::optional<std::uint64_t> length_;
  std::uint64_t offset_, recorded_;
  std::uint64_t shown_, written_back_;  // offsets
  std::uint64_t ahead_ = 0;             // reserved, not written yet
  Steady last_record_;
  std::optional<Error> failure_;
  bool ended_ = false;
  std::atomic<bool> taken_{false};  // by a newcomer; any thread
};

}  // namespace qrx::space
