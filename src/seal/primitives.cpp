#include "seal/primitives.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>

namespace qrx::seal {
namespace {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using PrivateKeyContext = std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Freeing<EVP_KDF_CTX_free>>;

tl::unexpected<Error> refused(std::string_view algorithm) {
  return fail(Kind::other, "OpenSSL cannot do " + std::string(algorithm), no_crypto_hint);
}

// Fetched once, and never given back: to look an algorithm up in OpenSSL's tables takes a lock that all threads share,
// and for each of thousands of small files it would be done ten times. Null when this OpenSSL has none.
EVP_KDF* hkdf() {
  static EVP_KDF* const fetched = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  return fetched;
}
const EVP_CIPHER* chacha20_poly1305() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  return fetched;
}

const unsigned char* octets(ByteView bytes) {
  // OpenSSL takes a null pointer as "not given", even with length 0.
  static constexpr unsigned char none = 0;
  return bytes.empty() ? &none : reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

struct X25519::State {
  PrivateKey key;
  Point point{};
};

Result<X25519> X25519::create(const Key& scalar) {
  auto state = std::make_shared<State>();
  state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, scalar.data(), Key::size));
  std::size_t size = state->point.size();
  if (!state->key || EVP_PKEY_get_raw_public_key(state->key.get(), state->point.data(), &size) != 1 ||
      size != state->point.size())
    return refused("X25519");
  return X25519(std::move(state));
}

const Point& X25519::point() const {
  return state_->point;
}

Result<std::optional<Key>> X25519::shared(const Point& other) const {
  const PrivateKey theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size()));
  const PrivateKeyContext context(EVP_PKEY_CTX_new(state_->key.get(), nullptr));
  if (!theirs || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1)
    return refused("X25519");
  Key shared;
  std::size_t size = Key::size;
  // OpenSSL itself fails on the all-zero secret; the check below is for libraries that leave it to the caller (RFC
  // 7748, 6.1, and age ask for it).
  if (EVP_PKEY_derive(context.get(), shared.data(), &size) != 1 || size != Key::size) return std::nullopt;
  const Key zero;
  if (equal_constant_time(shared.view(), zero.view())) return std::nullopt;
  return shared;
}

Result<Key> hkdf_sha256(ByteView key_material, ByteView salt, std::string_view info) {
  const KdfContext context(hkdf() ? EVP_KDF_CTX_new(hkdf()) : nullptr);
  if (!context) return refused("HKDF");
  // OSSL_PARAM takes no const, and writes nothing.
  char digest[] = "SHA256";
  const auto bytes = [](const char* name, ByteView value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<unsigned char*>(octets(value)), value.size());
  };
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   bytes(OSSL_KDF_PARAM_KEY, key_material), bytes(OSSL_KDF_PARAM_SALT, salt),
                                   bytes(OSSL_KDF_PARAM_INFO, as_bytes(info)), OSSL_PARAM_construct_end()};
  Key key;
  if (EVP_KDF_derive(context.get(), key.data(), Key::size, parameters) != 1) return refused("HKDF");
  return key;
}

Result<std::array<std::uint8_t, 32>> hmac_sha256(ByteView key, ByteView message) {
  std::array<std::uint8_t, 32> mac{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), octets(key), static_cast<int>(key.size()), octets(message), message.size(), mac.data(),
           &size) == nullptr ||
      size != mac.size())
    return refused("HMAC");
  return mac;
}

struct Aead::State {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  State() = default;
  ~State() { EVP_CIPHER_CTX_free(context); }  // wipes the key schedule
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Aead::Aead(std::unique_ptr<State> state) : state_(std::move(state)) {}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

Result<Aead> Aead::create(const Key& key, Direction direction) {
  auto state = std::make_unique<State>();
  const int encrypt = direction == Direction::seal ? 1 : 0;
  if (state->context == nullptr || chacha20_poly1305() == nullptr ||
      EVP_CipherInit_ex(state->context, chacha20_poly1305(), nullptr, key.data(), nullptr, encrypt) != 1)
    return refused("ChaCha20-Poly1305");
  return Aead(std::move(state));
}

bool Aead::seal(std::span<const std::uint8_t, nonce_size> nonce, ByteView plain, std::span<std::byte> out) {
  if (out.size() != plain.size() + tag_size) return false;
  EVP_CIPHER_CTX* context = state_->context;
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  int written = 0;
  int rest = 0;
  // The key stays; each chunk has its own nonce.
  if (EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) != 1) return false;
  if (!plain.empty() && EVP_EncryptUpdate(context, to, &written, octets(plain), static_cast<int>(plain.size())) != 1)
    return false;
  return EVP_EncryptFinal_ex(context, to + written, &rest) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_size, to + plain.size()) == 1;
}

bool Aead::open(std::span<const std::uint8_t, nonce_size> nonce, ByteView sealed, std::span<std::byte> out) {
  if (sealed.size() != out.size() + tag_size) return false;
  EVP_CIPHER_CTX* context = state_->context;
  const ByteView body = sealed.first(out.size());
  // A copy: OpenSSL takes the tag through a pointer to non-const.
  std::array<unsigned char, tag_size> tag{};
  std::copy_n(octets(sealed.last(tag_size)), tag_size, tag.data());
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  // The final call gives no bytes, but needs somewhere to put them.
  unsigned char nothing[tag_size];
  int written = 0;
  int rest = 0;
  const bool good =
      EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
      (body.empty() || EVP_DecryptUpdate(context, to, &written, octets(body), static_cast<int>(body.size())) == 1) &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context, nothing, &rest) == 1;
  // Bytes that nobody has vouched for must not stay in a buffer.
  if (!good) wipe(out);
  return good;
}

}  // namespace qrx::seal
