#include "seal/stream.h"

namespace qrx::seal {
namespace {

// age, "Payload": eleven bytes of counter, big-endian, and a byte that is 1 for the last chunk only. Under this STREAM
// construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) chunks that are left out, exchanged or appended do not open.
std::array<std::uint8_t, nonce_size> nonce_of(std::uint64_t chunk, bool last) {
  std::array<std::uint8_t, nonce_size> nonce{};
  for (std::size_t i = 0; i < sizeof chunk; ++i)
    nonce[nonce_size - 2 - i] = static_cast<std::uint8_t>(chunk >> (8 * i));
  nonce.back() = last ? 1 : 0;
  return nonce;
}

}  // namespace

std::optional<Layout> Layout::of_sealed(std::uint64_t header_size, std::uint64_t sealed_size) {
  if (header_size > most_header_bytes || sealed_size > most_plain_bytes) return std::nullopt;
  const std::uint64_t front = header_size + payload_nonce_size;
  if (sealed_size < front + tag_size) return std::nullopt;
  const std::uint64_t chunks = sealed_size - front;
  const std::uint64_t whole = chunks / qrx::seal::sealed_chunk_size;
  const std::uint64_t rest = chunks % qrx::seal::sealed_chunk_size;
  if (rest == 0) return Layout{header_size, whole * chunk_size};
  // Only an empty file has an empty chunk.
  if (rest < tag_size || (rest == tag_size && whole > 0)) return std::nullopt;
  return Layout{header_size, whole * chunk_size + rest - tag_size};
}

std::uint64_t Layout::chunk_count() const {
  return plain_size == 0 ? 1 : (plain_size - 1) / chunk_size + 1;
}

std::uint64_t Layout::sealed_size() const {
  return header_size + payload_nonce_size + plain_size + chunk_count() * tag_size;
}

std::uint64_t Layout::sealed_offset(std::uint64_t chunk) const {
  return header_size + payload_nonce_size + chunk * qrx::seal::sealed_chunk_size;
}

std::size_t Layout::plain_chunk_size(std::uint64_t chunk) const {
  return is_last(chunk) ? static_cast<std::size_t>(plain_size - chunk * chunk_size) : chunk_size;
}

Result<Key> payload_key(const FileKey& file_key, const PayloadNonce& nonce) {
  // age, "Payload": HKDF, the nonce as salt.
  return hkdf_sha256(file_key.view(), as_bytes(nonce), "payload");
}

Result<ChunkCipher> ChunkCipher::create(const Key& payload_key, Aead::Direction direction) {
  auto aead = Aead::create(payload_key, direction);
  if (!aead) return tl::unexpected(std::move(aead.error()));
  return ChunkCipher(std::move(*aead));
}

bool ChunkCipher::seal(std::uint64_t chunk, bool last, ByteView plain, std::span<std::byte> out) {
  return aead_.seal(nonce_of(chunk, last), plain, out);
}

bool ChunkCipher::open(std::uint64_t chunk, bool last, ByteView sealed, std::span<std::byte> out) {
  return aead_.open(nonce_of(chunk, last), sealed, out);
}

}  // namespace qrx::seal
