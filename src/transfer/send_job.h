// What the parts of one running delivery share: options, progress, the interrupt. And the parts: small files, uploads.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "transfer/drop_client.h"
#include "transfer/pace.h"
#include "transfer/patience.h"
#include "transfer/send_state.h"
#include "transfer/sender.h"
#include "transfer/sources.h"

namespace qrx::transfer {

// The figures for the progress display. Thread-safe; calls the events one at a time.
class SendTally {
 public:
  SendTally(const SenderEvents& events, const SourceList& sources);

  void set(std::size_t index, std::uint64_t bytes);  // what the other side took of one source
  void length_known(std::uint64_t bytes);            // of the last stream
  void sent(const SentFile& file);
  void notice(const std::string& text);
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
  Pace& pace;
  SendTally& tally;
  Id delivery;
  SendState* state = nullptr;                // null: this run cannot be continued by another
  std::vector<std::optional<SentFile>> done; // by source

  Patience patience();
};

// The file of a source, opened and compared with what was found at the check.
class SourceFile {
 public:
  // Kind::integrity when it is not the same file any more.
  static Result<SourceFile> open(const Source& source);
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) const;  // 0 at the end
  Result<void> check_unchanged() const;

 private:
  SourceFile(const Source& source, UniqueFd fd) : source_(&source), fd_(std::move(fd)) {}
  const Source* source_;
  UniqueFd fd_;
};

inline constexpr std::uint64_t most_small_bytes = 256U << 10;  // the server takes no more by one PUT

// Sends those of `indexes` (all small) that are not done, over several connections.
Result<void> send_small_files(SendJob& job, const std::vector<std::size_t>& indexes);
// Sends one large file by a resumable upload; goes on with job.state's upload of it.
Result<void> send_large_file(SendJob& job, DropClient& client, std::size_t index);
// Sends a stream of unknown length from `fd`.
Result<void> send_stream(SendJob& job, DropClient& client, std::size_t index, int fd);

// The sums of a source as it is on this machine.
Result<SentFile> sum_file(const Source& source, bool sha256, const http::Interrupt& interrupt);

}  // namespace qrx::transfer
