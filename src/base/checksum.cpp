#include "base/checksum.h"

#include <openssl/evp.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // the widest registers that this CPU has, instead of SSE2: a third of the time with AVX2
#else
#include <xxhash.h>
#endif

#include <cstdlib>
#include <cstring>

namespace qrx {

struct Xxh128::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    // Some hundred bytes: without them nothing else would work, either.
    if (xxh == nullptr) std::abort();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Xxh128::Xxh128() : state_(std::make_unique<State>()) {}
Xxh128::Xxh128(Xxh128&&) noexcept = default;
Xxh128& Xxh128::operator=(Xxh128&&) noexcept = default;
Xxh128::~Xxh128() = default;

void Xxh128::reset() {
  XXH3_128bits_reset(state_->xxh);
}

void Xxh128::update(ByteView bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

Xxh128Sum Xxh128::sum() const {
  // Big-endian, as xxh128sum prints it, whatever the machine.
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh));
  Xxh128Sum out;
  std::memcpy(out.data(), canonical.digest, out.size());
  return out;
}

std::optional<std::byte> Xxh128::byte_to(const Xxh128Sum& whole) const {
  Xxh128 with_one;
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::byte>(value);
    XXH3_copyState(with_one.state_->xxh, state_->xxh);
    with_one.update({&byte, 1});
    if (with_one.sum() == whole) return byte;
  }
  return std::nullopt;
}

namespace {

// Fetched once: OpenSSL 3 looks EVP_sha256() up again at each use, which costs more than hashing a token.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr || EVP_DigestInit_ex(context, sha256_method(), nullptr) != 1) std::abort();
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteView bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

Sha256Sum Sha256::sum() const {
  State copy;  // so that more may be added to the running sum
  Sha256Sum out;
  if (EVP_MD_CTX_copy_ex(copy.context, state_->context) != 1 ||
      EVP_DigestFinal_ex(copy.context, out.data(), nullptr) != 1)
    std::abort();  // no memory: a sum that was never made must not be compared
  return out;
}

struct NamedSum::State {
  std::optional<Xxh128> xxh;
  EVP_MD_CTX* evp = nullptr;
  State() = default;
  ~State() { EVP_MD_CTX_free(evp); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

NamedSum::NamedSum(std::unique_ptr<State> state) : state_(std::move(state)) {}
NamedSum::NamedSum(NamedSum&&) noexcept = default;
NamedSum& NamedSum::operator=(NamedSum&&) noexcept = default;
NamedSum::~NamedSum() = default;

std::optional<NamedSum> NamedSum::start(std::string_view algorithm) {
  auto state = std::make_unique<State>();
  if (algorithm == "xxh128") {
    state->xxh.emplace();
    return NamedSum(std::move(state));
  }
  const EVP_MD* digest = algorithm == "md5"      ? EVP_md5()
                         : algorithm == "sha1"   ? EVP_sha1()
                         : algorithm == "sha256" ? EVP_sha256()
                                                 : nullptr;
  if (digest == nullptr) return std::nullopt;
  state->evp = EVP_MD_CTX_new();
  // A machine in FIPS mode has no MD5: then it is as if the name were unknown.
  if (state->evp == nullptr || EVP_DigestInit_ex(state->evp, digest, nullptr) != 1) return std::nullopt;
  return NamedSum(std::move(state));
}

void NamedSum::update(ByteView bytes) {
  if (state_->xxh)
    state_->xxh->update(bytes);
  else
    EVP_DigestUpdate(state_->evp, bytes.data(), bytes.size());
}

std::vector<std::uint8_t> NamedSum::sum() const {
  if (state_->xxh) {
    const Xxh128Sum sum = state_->xxh->sum();
    return {sum.begin(), sum.end()};
  }
  State copy;
  copy.evp = EVP_MD_CTX_new();
  std::vector<std::uint8_t> out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (copy.evp == nullptr || EVP_MD_CTX_copy_ex(copy.evp, state_->evp) != 1 ||
      EVP_DigestFinal_ex(copy.evp, out.data(), &size) != 1)
    std::abort();
  out.resize(size);
  return out;
}

Sha256Sum sha256(ByteView bytes) {
  Sha256Sum out;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, sha256_method(), nullptr) != 1) std::abort();
  return out;
}

}  // namespace qrx
