// Sealing: a plain source becomes an age v1 file for one recipient, from any byte on, so that a broken upload goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "seal/keys.h"
#include "seal/stream.h"

namespace qrx::seal {

// What makes one sealed file this and no other. With the same secrets, recipient and plain bytes, every byte of the
// file comes out again: that is how an upload is resumed. They must NEVER seal other plain bytes: whoever saw both
// files could read both. So a sender keeps them beside what tells that its source is unchanged, or derives them from
// it.
struct SealSecrets {
  FileKey file_key;
  Key ephemeral;
  PayloadNonce nonce{};

  static SealSecrets generate();

  // Secrets for one file of many, from the one seed of a transfer (32 random bytes, kept in its state file) and
  // `context`: everything that tells that the source is the same (name, size, modification time, inode, sum where
  // known). Another context gives unrelated secrets, so that a changed source cannot be sealed under the old ones.
  static Result<SealSecrets> derive(const Key& seed, std::string_view context);

  std::string text() const;  // 88 base64 characters for a state file of mode 0600; give it to wipe() after use
  static Result<SealSecrets> parse(std::string_view text);  // Kind::integrity when it is not such a text
  SealSecrets clone() const;
};

// The chunks of one sealed file, in any order. Movable; one thread at a time; nothing is allocated for a chunk.
class Sealer {
 public:
  // Kind::usage for a recipient that nobody can be.
  static Result<Sealer> create(const Recipient& recipient, const SealSecrets& secrets);

  // The first bytes of the file: the header and the payload nonce.
  std::string_view front() const { return front_; }
  std::uint64_t header_size() const { return front_.size() - payload_nonce_size; }
  // How the file of a source of this size lies, its sealed size included, before any byte is sealed.
  Layout layout(std::uint64_t plain_size) const { return {header_size(), plain_size}; }

  // Seals one chunk: `plain` is chunk_size bytes, or fewer in the last one (none only when the whole source is empty).
  // REQUIRES: out.size() == plain.size() + tag_size. `out` may begin where `plain` begins.
  Result<void> seal_chunk(std::uint64_t chunk, bool last, ByteView plain, std::span<std::byte> out);

 private:
  Sealer(std::string front, ChunkCipher cipher) : front_(std::move(front)), cipher_(std::move(cipher)) {}
  std::string front_;
  ChunkCipher cipher_;
};

// The sealed size of a source of this size for one recipient (the header of such a file always has the same size).
std::uint64_t sealed_size(std::uint64_t plain_size);

// Fills `space` from `offset` of the source; fewer bytes only at the source's end.
using PlainReader = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> space)>;

// The sealed file as if it lay on disk: read and seek. Memory: one chunk. One thread at a time.
class SealedReader {
 public:
  // With a plain size, the source must give exactly that many bytes: one that became shorter or longer is
  // Kind::integrity. Without (stdin), it is read until it ends, strictly forward as long as nobody seeks.
  SealedReader(Sealer sealer, PlainReader source, std::optional<std::uint64_t> plain_size);
  ~SealedReader();
  SealedReader(SealedReader&&) noexcept;
  SealedReader& operator=(SealedReader&&) noexcept;

  // The next sealed bytes; 0 at the end. Fastest into spaces of sealed_chunk_size bytes and more. The same shape as
  // http::BodyReader. An error of the source is returned as it is; a source that reads by offset may be tried again.
  Result<std::size_t> read(std::span<std::byte> space);

  // Goes on from this byte of the sealed file. REQUIRES with a plain size: offset <= sealed size.
  void seek(std::uint64_t offset);

  std::uint64_t offset() const;
  std::optional<std::uint64_t> sealed_size() const;  // nullopt while the source's size is unknown

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qrx::seal
