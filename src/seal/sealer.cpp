#include "seal/sealer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/checksum.h"
#include "base/random.h"

namespace qrx::seal {
namespace {

// A mark of kind and version before the secrets. Two bytes make the whole a multiple of three: base64 without padding,
// and so without a reallocation that would leave a copy of the text behind.
constexpr std::array<std::uint8_t, 2> secrets_mark = {'S', 1};
constexpr std::size_t packed_size = secrets_mark.size() + FileKey::size + Key::size + payload_nonce_size;

// "age-encryption.org/v1\n", "-> X25519 " share "\n", wrapped key "\n", "--- " MAC "\n": base64 of 32 bytes has 43
// digits.
constexpr std::uint64_t one_recipient_header = magic.size() + 10 + 43 + 1 + 43 + 1 + 4 + 43 + 1;

// Each of the three under a label of its own: one that became known tells nothing about the others.
template <std::size_t N>
Result<void> derive_into(const Key& seed, ByteView salt, std::string_view info, std::span<std::uint8_t, N> out) {
  const auto key = hkdf_sha256(seed.view(), salt, info);
  if (!key) return tl::unexpected(key.error());
  std::copy_n(key->data(), N, out.data());
  return {};
}

}  // namespace

SealSecrets SealSecrets::generate() {
  SealSecrets secrets;
  fill_random(secrets.file_key.span());
  fill_random(secrets.ephemeral.span());
  fill_random(secrets.nonce);
  return secrets;
}

Result<SealSecrets> SealSecrets::derive(const Key& seed, std::string_view context) {
  const Sha256Sum salt = sha256(as_bytes(context));  // OpenSSL's HKDF takes infos of at most 1,024 bytes
  SealSecrets secrets;
  for (const auto& done : {derive_into(seed, as_bytes(salt), "qrx seal v1 file key", secrets.file_key.span()),
                           derive_into(seed, as_bytes(salt), "qrx seal v1 ephemeral", secrets.ephemeral.span()),
                           derive_into(seed, as_bytes(salt), "qrx seal v1 nonce", std::span(secrets.nonce))})
    if (!done) return tl::unexpected(done.error());
  return secrets;
}

std::string SealSecrets::text() const {
  Secret<packed_size> packed;
  auto at = std::copy(secrets_mark.begin(), secrets_mark.end(), packed.data());
  at = std::copy_n(file_key.data(), FileKey::size, at);
  at = std::copy_n(ephemeral.data(), Key::size, at);
  std::copy(nonce.begin(), nonce.end(), at);
  return to_base64(packed.view());
}

Result<SealSecrets> SealSecrets::parse(std::string_view text) {
  auto packed = from_base64(text);
  if (!packed || packed->size() != packed_size ||
      !std::equal(secrets_mark.begin(), secrets_mark.end(), packed->begin()))
    return fail(Kind::integrity, "the saved secrets of an encrypted upload are damaged");
  SealSecrets secrets;
  const std::uint8_t* at = packed->data() + secrets_mark.size();
  std::copy_n(at, FileKey::size, secrets.file_key.data());
  std::copy_n(at + FileKey::size, Key::size, secrets.ephemeral.data());
  std::copy_n(at + FileKey::size + Key::size, payload_nonce_size, secrets.nonce.data());
  // The copy on the heap; the caller has its own.
  wipe(std::as_writable_bytes(std::span(*packed)));
  return secrets;
}

SealSecrets SealSecrets::clone() const {
  return {file_key.clone(), ephemeral.clone(), nonce};
}

Result<Sealer> Sealer::create(const Recipient& recipient, const SealSecrets& secrets) {
  auto front = write_header(recipient, secrets.file_key, secrets.ephemeral);
  if (!front) return tl::unexpected(std::move(front.error()));
  *front += as_text(as_bytes(secrets.nonce));
  const auto key = payload_key(secrets.file_key, secrets.nonce);
  if (!key) return tl::unexpected(key.error());
  auto cipher = ChunkCipher::create(*key, Aead::Direction::seal);
  if (!cipher) return tl::unexpected(std::move(cipher.error()));
  return Sealer(std::move(*front), std::move(*cipher));
}

Result<void> Sealer::seal_chunk(std::uint64_t chunk, bool last, ByteView plain, std::span<std::byte> out) {
  if (!cipher_.seal(chunk, last, plain, out))
    return fail(Kind::other, "OpenSSL cannot encrypt a chunk", no_crypto_hint);
  return {};
}

std::uint64_t sealed_size(std::uint64_t plain_size) {
  return Layout{one_recipient_header, plain_size}.sealed_size();
}

struct SealedReader::State {
  Sealer sealer;
  PlainReader source;
  std::optional<std::uint64_t> plain_size;
  std::uint64_t offset = 0;  // of the sealed file

  std::vector<std::byte> chunk;  // the sealed chunk that a read ended within
  std::uint64_t chunk_number = 0;
  std::size_t chunk_filled = 0;  // 0: none

  // Without a plain size one byte is read ahead, to know whether a chunk is the last.
  std::byte ahead{};
  std::optional<std::uint64_t> ahead_offset;

  Result<std::size_t> fill_from_source(std::uint64_t start, std::span<std::byte> space);
  Result<std::size_t> seal_into(std::uint64_t number, std::span<std::byte> space);
};

Result<std::size_t> SealedReader::State::fill_from_source(std::uint64_t start, std::span<std::byte> space) {
  std::size_t filled = 0;
  // Read ahead to see whether the chunk before was the last one.
  if (ahead_offset == start && !space.empty()) {
    space[0] = ahead;
    filled = 1;
  }
  while (filled < space.size()) {
    const auto got = source(start + filled, space.subspan(filled));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    filled += *got;
  }
  return filled;
}

// Gives the size of the sealed chunk; 0 behind the last one. REQUIRES: space.size() >= sealed_chunk_size, which leaves
// room for the byte read ahead.
Result<std::size_t> SealedReader::State::seal_into(std::uint64_t number, std::span<std::byte> space) {
  const std::uint64_t start = number * chunk_size;
  bool last = false;
  std::size_t size = 0;
  if (plain_size) {
    const Layout layout = sealer.layout(*plain_size);
    last = layout.is_last(number);
    size = layout.plain_chunk_size(number);
    // One byte more than the last chunk has, to see that the source did not grow.
    const auto got = fill_from_source(start, space.first(last ? size + 1 : size));
    if (!got) return tl::unexpected(got.error());
    if (*got < size) return fail(Kind::integrity, "the source became shorter while it was being encrypted");
    if (*got > size) return fail(Kind::integrity, "the source became longer while it was being encrypted");
  } else {
    const auto got = fill_from_source(start, space.first(chunk_size + 1));
    if (!got) return tl::unexpected(got.error());
    // The end lies at the end of a chunk, which was sealed as the last one.
    if (*got == 0 && number > 0) return 0;
    last = *got <= chunk_size;
    size = last ? *got : chunk_size;
    if (last) {
      // Now it is known: sealed_size() tells it from here on.
      plain_size = start + size;
    } else {
      ahead = space[chunk_size];
      ahead_offset = start + chunk_size;
    }
  }
  if (auto sealed = sealer.seal_chunk(number, last, space.first(size), space.first(size + tag_size)); !sealed)
    return tl::unexpected(std::move(sealed.error()));
  return size + tag_size;
}

SealedReader::SealedReader(Sealer sealer, PlainReader source, std::optional<std::uint64_t> plain_size)
    : state_(new State{std::move(sealer), std::move(source), plain_size, 0, {}, 0, 0, {}, {}}) {}
SealedReader::~SealedReader() = default;
SealedReader::SealedReader(SealedReader&&) noexcept = default;
SealedReader& SealedReader::operator=(SealedReader&&) noexcept = default;

Result<std::size_t> SealedReader::read(std::span<std::byte> space) {
  State& state = *state_;
  if (space.empty()) return 0;
  const auto give = [&](ByteView bytes) {
    const std::size_t size = std::min(bytes.size(), space.size());
    std::memcpy(space.data(), bytes.data(), size);
    state.offset += size;
    return size;
  };
  const std::string_view front = state.sealer.front();
  // Header and nonce first.
  if (state.offset < front.size()) return give(as_bytes(front.substr(static_cast<std::size_t>(state.offset))));

  if (const auto size = sealed_size(); size && state.offset >= *size) return 0;
  const std::uint64_t number = (state.offset - front.size()) / sealed_chunk_size;
  const auto within = static_cast<std::size_t>((state.offset - front.size()) % sealed_chunk_size);
  const bool held = state.chunk_filled > 0 && state.chunk_number == number;
  // The common case: sealed right where the caller wants it, without a copy.
  if (!held && within == 0 && space.size() >= sealed_chunk_size) {
    auto size = state.seal_into(number, space);
    if (size) state.offset += *size;
    return size;
  }
  // A read that begins or ends within a chunk: it is sealed into a buffer of ours, and handed out in pieces.
  if (!held) {
    state.chunk_filled = 0;
    state.chunk.resize(sealed_chunk_size);
    const auto size = state.seal_into(number, state.chunk);
    if (!size) return tl::unexpected(size.error());
    state.chunk_number = number;
    state.chunk_filled = *size;
  }
  if (within >= state.chunk_filled) return 0;  // sought behind the end before the size was known
  return give(ByteView(state.chunk).subspan(within, state.chunk_filled - within));
}

void SealedReader::seek(std::uint64_t offset) {
  state_->offset = offset;
}

std::uint64_t SealedReader::offset() const {
  return state_->offset;
}

std::optional<std::uint64_t> SealedReader::sealed_size() const {
  if (!state_->plain_size) return std::nullopt;
  return state_->sealer.layout(*state_->plain_size).sealed_size();
}

}  // namespace qrx::seal
