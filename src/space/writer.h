// The writer of one upload, from the taking of its lock to its release. Private to src/space.
#pragma once

#include "space/live.h"

namespace qrx::space {

// Lets go of an upload's lock.
class Hold {
 public:
  Hold(Rules& rules, LivePtr live, UploadPtr upload)
      : rules_(rules), live_(std::move(live)), upload_(std::move(upload)) {}
  Hold(Hold&& other) noexcept
      : rules_(other.rules_), live_(std::move(other.live_)), upload_(std::exchange(other.upload_, nullptr)) {}
  Hold& operator=(Hold&&) = delete;
  ~Hold() { release(); }
  void release() {
    if (upload_ != nullptr) rules_.let_go(*live_, *upload_);
    upload_ = nullptr;
  }

 private:
  Rules& rules_;
  LivePtr live_;
  UploadPtr upload_;
};

class Writer final : public UploadWriter {
 public:
  struct Checksum {
    NamedSum running;
    std::vector<std::uint8_t> expected;
  };
  // The upload is held, its staged bytes end at its offset, its running sum too.
  Writer(Rules& rules, LivePtr live, UploadPtr upload, Hold hold, std::unique_ptr<Staged> staged,
         std::optional<Checksum> checksum);
  ~Writer() override;

  std::uint64_t offset() const override;
  Result<void> write(ByteView bytes) override;
  bool asked_to_stop() const override;
  Result<Finished> finish() override;

  // A newcomer takes the upload from a writer that only waits for its client, who may be long gone: what arrived is
  // kept and the lock let go. A writer at work is left alone.
  static void take_from_idle(LiveUpload& upload);

 private:
  void give_up();
  Result<void> check_stop() const;
  Result<void> claim(std::uint64_t bytes);  // of the quotas, some ahead when the length is known
  void unclaim(std::uint64_t bytes);
  void show_growth();
  Result<void> record();      // durable, then the row
  Result<Finished> settle();  // what was written stays: recorded, completed when all is there
  void roll_back();           // what was written goes

  Rules& rules_;
  const LivePtr live_;
  const UploadPtr upload_;
  Hold hold_;
  const std::unique_ptr<Staged> staged_;
  std::optional<Checksum> checksum_;
  const std::uint64_t start_, epoch_;
  const std::optional<std::uint64_t> length_;
  std::uint64_t offset_, recorded_;
  std::uint64_t shown_, written_back_;  // offsets
  std::uint64_t ahead_ = 0;             // claimed, not written yet
  Steady last_record_;
  std::optional<Error> failure_;
  bool settled_ = false;
  std::atomic<bool> taken_{false};  // by a newcomer; any thread
};

// Of an upload that is complete already: takes no bytes, finishes with the file.
class CompleteWriter final : public UploadWriter {
 public:
  explicit CompleteWriter(FileRow file) : file_(std::move(file)) {}
  std::uint64_t offset() const override { return file_.size; }
  Result<void> write(ByteView bytes) override;
  bool asked_to_stop() const override { return false; }
  Result<Finished> finish() override { return Finished{file_.size, true, file_}; }

 private:
  FileRow file_;
};

}  // namespace qrx::space
