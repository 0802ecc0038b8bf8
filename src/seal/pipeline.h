// Sealing and opening on a thread of their own, so that they overlap with the network: on two cores a sealed transfer
// takes hardly longer than a plain one. Memory: 16 chunks (1 MiB) each. The threads block all signals.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "seal/opener.h"
#include "seal/sealer.h"

namespace qrx::seal {

// A SealedReader that reads ahead. Its source is called on the other thread, until the destructor or seek() return.
// One thread at a time; the same shape as http::BodyReader.
class SealPipeline {
 public:
  explicit SealPipeline(SealedReader reader);
  ~SealPipeline();
  SealPipeline(SealPipeline&&) noexcept;
  SealPipeline& operator=(SealPipeline&&) noexcept;

  // As SealedReader::read. After an error of the source the next call tries again from the same byte.
  Result<std::size_t> read(std::span<std::byte> space);
  void seek(std::uint64_t offset);
  std::uint64_t offset() const;
  // nullopt for a source of unknown size, until its last byte was read.
  std::optional<std::uint64_t> sealed_size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// An Opener that opens behind the caller's back. The sink is called on the other thread, until finish() or stop()
// return; the last chunk may come to it on the caller's.
class OpenPipeline {
 public:
  OpenPipeline(Opener opener, PlainSink sink);
  ~OpenPipeline();  // as stop()
  OpenPipeline(OpenPipeline&&) noexcept;
  OpenPipeline& operator=(OpenPipeline&&) noexcept;

  // Takes a copy of the bytes. An error may be about bytes of an earlier call; it is final, as the Opener's.
  Result<void> push(ByteView sealed);
  // Waits until all is opened; as Opener::finish().
  Result<void> finish();
  // Opens what was pushed, ends the thread and gives the opener: what it released, its state, its refusal.
  Opener& stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qrx::seal
