// A source sealed as it is sent: from any byte on, read and sealed on a thread of its own, and the sums of its plain
// bytes as they come by.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/running_sums.h"
#include "seal/sealer.h"
#include "send/send_job.h"
#include "send/sent.h"
#include "send/source_file.h"
#include "wire/messages.h"

namespace qrx::send {

class SealedSource {
 public:
  // `file` must outlive it.
  SealedSource(seal::Sealer sealer, const SourceFile& file, std::uint64_t plain_size, bool sha256);
  SealedSource(SealedSource&&) noexcept;
  ~SealedSource();
  Result<std::size_t> read(std::span<std::byte> space);
  void seek(std::uint64_t offset);
  // Of the plain bytes. REQUIRES: all of it was read. Ends the thread.
  Sums finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Source and item as they are on this machine: what the server must have of it comes with it. REQUIRES: no pack.
Result<SentFile> sum_sealed(const SendJob& job, std::size_t item, wire::ReceivedFile& wire);

}  // namespace qrx::send
