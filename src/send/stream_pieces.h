// Reads a stream ahead in a thread: one piece fills while the other is sent.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "http/interrupt.h"
#include "seal/sealer.h"

namespace qrx::send {

// next() by one thread at a time. Memory: two pieces.
class StreamPieces {
 public:
  // Reads `fd`, which messages call `shown`, in pieces of at most `most` bytes. `plain` is told each byte of the
  // stream, in order, by the reading thread; with a sealer, the pieces are those of the sealed stream.
  StreamPieces(int fd, std::string shown, std::size_t most, const http::Interrupt& interrupt,
               std::function<void(ByteView)> plain, std::optional<seal::Sealer> sealer);
  ~StreamPieces();  // ends the thread
  StreamPieces(const StreamPieces&) = delete;
  StreamPieces& operator=(const StreamPieces&) = delete;

  Result<void> start();

  // Swaps the next piece into `piece`; true when it is the last one (it may be empty). Waits for the first byte, and
  // then only a moment for the piece to become full.
  Result<bool> next(std::vector<std::byte>& piece);

 private:
  void read_all();
  Result<std::size_t> read_some(std::span<std::byte> space);

  int fd_;
  const std::string shown_;
  std::size_t most_;
  const http::Interrupt& interrupt_;
  http::Interrupt stop_;
  std::mutex mutex_;  // of the four below
  std::condition_variable arrived_, room_;
  std::vector<std::byte> filling_;
  bool ended_ = false;
  std::optional<Error> error_;
  std::function<void(ByteView)> plain_;
  std::optional<seal::SealedReader> sealed_;
  std::thread thread_;
};

}  // namespace qrx::send
