// What the parts of one running delivery share: options, progress, the interrupt. And the parts: small files, uploads.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/drop_client.h"
#include "api/pace.h"
#include "api/patience.h"
#include "seal/item.h"
#include "send/seal_plan.h"
#include "send/send_state.h"
#include "send/sender.h"
#include "send/sources.h"

namespace qrx::send {

// The figures for the progress display. Thread-safe; calls the events one at a time.
class SendTally {
 public:
  SendTally(const SenderEvents& events, const SourceList& sources);

  void set(std::size_t index, std::uint64_t bytes);  // what the other side took of one source
  void length_known(std::uint64_t bytes);            // of a stream
  void sent(const SentFile& file);
  void notice(const std::string& text);
  void retry(const std::string& text);
  void committed();

 private:
  void tell();
  const SenderEvents& events_;
  std::mutex mutex_;
  std::vector<std::uint64_t> bytes_;
  std::uint64_t sum_ = 0;
  std::optional<std::uint64_t> total_;
  std::uint64_t known_ = 0;
  std::size_t open_streams_ = 0;
};

struct SendJob {
  const DropLink& link;
  const SenderOptions& options;
  const SourceList& list;
  http::Interrupt& interrupt;
  api::Pace& pace;
  SendTally& tally;
  Id delivery;
  SendState* state = nullptr;                 // null: this run cannot be continued by another
  std::vector<std::optional<SentFile>> done;  // by source
  const SealPlan* plan = nullptr;             // null: not sealed
  std::vector<wire::ReceivedFile> wire = {};  // by source that is done: what the server must have
  std::optional<wire::ReceivedFile> manifest = {};
  std::vector<std::optional<Id>> uploads = {};  // by source: the one that this run opened or continues
  bool stream_begun = false;                    // something was read that nobody can read again

  api::Patience patience();
  const std::string& wire_name(std::size_t index) const;
  std::uint64_t wire_size(std::size_t index) const;  // REQUIRES: not a stream
  // What the server took of a source, in plain bytes.
  std::uint64_t shown(std::uint64_t wire_bytes) const {
    return plan != nullptr ? seal::plain_part(wire_bytes) : wire_bytes;
  }
  // The server has this source whole.
  void finish(std::size_t index, SentFile file, const Xxh128Sum& wire_sum, std::uint64_t wire_bytes);
};

// The file of a source, opened and compared with what was found at the check.
class SourceFile {
 public:
  // Kind::integrity when it is not the same file any more. `strictly`: as a file has to be whose bytes are sealed,
  // perhaps a second time, under the same secrets.
  static Result<SourceFile> open(const Source& source, bool strictly = false);
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) const;  // 0 at the end
  Result<void> check_unchanged() const;

 private:
  SourceFile(const Source& source, UniqueFd fd, bool strictly)
      : source_(&source), fd_(std::move(fd)), strictly_(strictly) {}
  const Source* source_;
  UniqueFd fd_;
  bool strictly_;
};

inline constexpr std::uint64_t most_small_bytes = 256U << 10;  // the server takes no more by one PUT

// Sends those of `indexes` (all small) that are not done, over several connections.
Result<void> send_small_files(SendJob& job, const std::vector<std::size_t>& indexes);
// Sends one large file by a resumable upload; goes on with job.state's upload of it.
Result<void> send_large_file(SendJob& job, api::DropClient& client, std::size_t index);
// Sends a stream of unknown length from `fd`.
Result<void> send_stream(SendJob& job, api::DropClient& client, std::size_t index, int fd);

// A source sealed as it is sent: from any byte on, read and sealed on a thread of its own, and the sums of its plain
// bytes as they come by.
class SealedSource {
 public:
  // `file` must outlive it.
  SealedSource(seal::Sealer sealer, const SourceFile& file, std::uint64_t plain_size, bool sha256);
  SealedSource(SealedSource&&) noexcept;
  ~SealedSource();
  Result<std::size_t> read(std::span<std::byte> space);
  void seek(std::uint64_t offset);
  // REQUIRES: all of it was read. Ends the thread.
  void finish(SentFile& into);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Source and item as they are on this machine: what the server must have of it comes with it.
Result<SentFile> sum_sealed(const SealPlan& plan, const SourceList& list, std::size_t index, bool sha256,
                            const http::Interrupt& interrupt, wire::ReceivedFile& wire);
// The manifest, before everything else. Nothing without a plan, or when the server has it.
Result<void> send_manifest(SendJob& job, api::DropClient& client);

// The sums of a source as it is on this machine.
Result<SentFile> sum_file(const Source& source, bool sha256, const http::Interrupt& interrupt);

}  // namespace qrx::send
