// The payload of an age v1 file: a nonce, then chunks of 64 KiB, each sealed under its number and whether it is the
// last. Pure arithmetic of offsets, and the cipher of one payload; sealer.h and opener.h make files of it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "seal/header.h"
#include "seal/primitives.h"

namespace qrx::seal {

inline constexpr std::size_t chunk_size = 64 * 1024;  // of plain bytes; only the last chunk has fewer
inline constexpr std::size_t sealed_chunk_size = chunk_size + tag_size;
inline constexpr std::size_t payload_nonce_size = 16;
inline constexpr std::uint64_t most_plain_bytes = std::uint64_t{1} << 62;  // of ours: no sum of offsets can overflow

using PayloadNonce = std::array<std::uint8_t, payload_nonce_size>;

// Where everything lies in a sealed file.
struct Layout {
  std::uint64_t header_size = 0;  // of the text, without the payload nonce
  std::uint64_t plain_size = 0;

  // The layout of a sealed file of this size; nullopt when no file has it.
  static std::optional<Layout> of_sealed(std::uint64_t header_size, std::uint64_t sealed_size);

  std::uint64_t chunk_count() const;  // at least 1
  std::uint64_t sealed_size() const;
  std::uint64_t sealed_offset(std::uint64_t chunk) const;     // where the sealed chunk begins in the file
  std::size_t plain_chunk_size(std::uint64_t chunk) const;    // REQUIRES: chunk < chunk_count()
  std::size_t sealed_chunk_size(std::uint64_t chunk) const {  // with its tag
    return plain_chunk_size(chunk) + tag_size;
  }
  bool is_last(std::uint64_t chunk) const { return chunk + 1 == chunk_count(); }
};

Result<Key> payload_key(const FileKey& file_key, const PayloadNonce& nonce);

// Seals or opens the chunks of one payload, in any order. Movable; one thread at a time; nothing is allocated for a
// chunk.
class ChunkCipher {
 public:
  static Result<ChunkCipher> create(const Key& payload_key, Aead::Direction direction);

  // As Aead: out.size() == plain.size() + tag_size, in place allowed. A chunk number must be sealed with one content
  // only.
  bool seal(std::uint64_t chunk, bool last, ByteView plain, std::span<std::byte> out);
  // As Aead: false, and `out` wiped, when this is not chunk `chunk` of the payload, or `last` is not so.
  bool open(std::uint64_t chunk, bool last, ByteView sealed, std::span<std::byte> out);

 private:
  explicit ChunkCipher(Aead aead) : aead_(std::move(aead)) {}
  Aead aead_;
};

}  // namespace qrx::seal
