// The few pieces of cryptography that age v1 is made of, on OpenSSL's EVP: X25519, HKDF and HMAC with SHA-256,
// ChaCha20-Poly1305. An Error from here means that OpenSSL refuses to work (memory, or a policy without these
// algorithms).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "seal/secret.h"

namespace qrx::seal {

inline constexpr std::size_t tag_size = 16;    // of ChaCha20-Poly1305
inline constexpr std::size_t nonce_size = 12;  // likewise

inline constexpr const char* no_crypto_hint =
    "sealing needs X25519, HKDF and ChaCha20-Poly1305; a FIPS policy may have switched them off";

using Point = std::array<std::uint8_t, 32>;  // an X25519 public value
using Key = Secret<32>;

// A secret scalar made ready: OpenSSL multiplies once to make it, and once for each shared secret. Copies share one
// immutable key, which is wiped with the last of them; any number of threads may use it.
class X25519 {
 public:
  static Result<X25519> create(const Key& scalar);
  const Point& point() const;  // the public value
  // nullopt when the shared secret is all zero: the other point is of low order, and nobody's.
  Result<std::optional<Key>> shared(const Point& other) const;

 private:
  struct State;
  explicit X25519(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

Result<Key> hkdf_sha256(ByteView key_material, ByteView salt, std::string_view info);
Result<std::array<std::uint8_t, 32>> hmac_sha256(ByteView key, ByteView message);

// One key, one direction, any number of messages; no associated data. The context is reused: nothing is allocated for a
// message. Movable; one thread at a time.
class Aead {
 public:
  enum class Direction : std::uint8_t { seal, open };
  static Result<Aead> create(const Key& key, Direction direction);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  ~Aead();

  // `out` has tag_size bytes more than `plain`; it may begin where `plain` begins, and must not overlap otherwise.
  // False only for other sizes, or when OpenSSL refuses to work.
  bool seal(std::span<const std::uint8_t, nonce_size> nonce, ByteView plain, std::span<std::byte> out);

  // `out` has tag_size bytes fewer than `sealed`; same overlap. False when the tag does not match: `out` is wiped then.
  bool open(std::span<const std::uint8_t, nonce_size> nonce, ByteView sealed, std::span<std::byte> out);

 private:
  struct State;
  explicit Aead(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace qrx::seal
