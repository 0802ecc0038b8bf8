#include "seal/opener.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace qrx::seal {
namespace {

// A mark of kind and version; its three bytes keep the whole a multiple of three (see sealer.cpp).
constexpr std::array<std::uint8_t, 3> state_mark = {'O', 'P', 1};
constexpr std::size_t packed_size = state_mark.size() + Key::size + 8 + 8;

std::uint8_t* put_u64(std::uint64_t value, std::uint8_t* to) {
  // Big-endian.
  for (int shift = 56; shift >= 0; shift -= 8) *to++ = static_cast<std::uint8_t>(value >> shift);
  return to;
}

std::uint64_t get_u64(const std::uint8_t* from) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | from[i];
  return value;
}

tl::unexpected<Error> refuse(Refusal why, const char* detail = "") {
  return tl::unexpected(explain({why, detail}));
}

}  // namespace

bool looks_sealed(ByteView first_bytes) {
  const std::size_t size = std::min(first_bytes.size(), magic.size());
  return as_text(first_bytes.first(size)) == magic.substr(0, size);
}

std::uint64_t OpenerState::sealed_offset() const {
  return Layout{header_size, 0}.sealed_offset(next_chunk);
}

std::string OpenerState::text() const {
  Secret<packed_size> packed;
  auto at = std::copy(state_mark.begin(), state_mark.end(), packed.data());
  at = std::copy_n(payload_key.data(), Key::size, at);
  put_u64(next_chunk, put_u64(header_size, at));
  return to_base64(packed.view());
}

Result<OpenerState> OpenerState::parse(std::string_view text) {
  auto packed = from_base64(text);
  const auto damaged = [] { return fail(Kind::integrity, "the saved state of an encrypted download is damaged"); };
  if (!packed || packed->size() != packed_size || !std::equal(state_mark.begin(), state_mark.end(), packed->begin()))
    return damaged();
  OpenerState state;
  const std::uint8_t* at = packed->data() + state_mark.size();
  std::copy_n(at, Key::size, state.payload_key.data());
  state.header_size = get_u64(at + Key::size);
  state.next_chunk = get_u64(at + Key::size + 8);
  wipe(std::as_writable_bytes(std::span(*packed)));
  // A damaged state must not make offsets overflow.
  if (state.header_size > most_header_bytes || state.next_chunk > most_plain_bytes / chunk_size) return damaged();
  return state;
}

struct Opener::Impl {
  enum class Place : std::uint8_t { header, nonce, chunks, after_last, failed };

  Place place = Place::header;
  std::optional<Identity> identity;  // until the header was read
  HeaderReader reader;
  FileKey file_key;
  PayloadNonce nonce{};
  std::size_t nonce_filled = 0;

  OpenerState state;
  std::optional<ChunkCipher> cipher;
  // The front of a chunk that has not come whole, and one that was opened. Both grow to a chunk only for files that
  // have one: small files are many, and clearing 128 KiB for each costs as much as its keys.
  std::vector<std::byte> sealed;
  std::vector<std::byte> plain;
  std::uint64_t released = 0;

  std::optional<Error> error;
  std::optional<Refusal> refusal;

  Result<void> fail_with(Error why) {
    error = std::move(why);
    place = Place::failed;
    // Wiped at once: after a refusal the key is of no use.
    identity.reset();
    return tl::unexpected(*error);
  }
  Result<void> refuse_for(Refusal why, const char* detail = "") {
    refusal = why;
    return fail_with(explain({why, detail}));
  }

  Result<void> begin_chunks();
  Result<std::size_t> take_header(ByteView bytes);
  Result<std::size_t> take_nonce(ByteView bytes);
  Result<std::size_t> take_chunk(ByteView bytes, const PlainSink& sink);
  Result<void> open_whole(ByteView chunk, const PlainSink& sink);
  Result<void> release(std::size_t size, bool last, const PlainSink& sink);
};

Result<void> Opener::Impl::begin_chunks() {
  auto created = ChunkCipher::create(state.payload_key, Aead::Direction::open);
  if (!created) return fail_with(std::move(created.error()));
  cipher = std::move(*created);
  place = Place::chunks;
  return {};
}

Result<std::size_t> Opener::Impl::take_header(ByteView bytes) {
  const auto refused = [&](const Refused& why) {
    (void)refuse_for(why.why, why.detail);
    return tl::unexpected(*error);
  };
  const auto taken = reader.push(bytes);
  if (!taken) return refused(taken.error());
  if (!reader.complete()) return *taken;
  auto unwrapped = unwrap(reader.header(), *identity);
  if (!unwrapped) return refused(unwrapped.error());
  file_key = std::move(*unwrapped);
  state.header_size = reader.header().text.size();
  // The identity is not needed for the chunks: what stays in memory opens this one file only.
  identity.reset();
  reader = {};
  place = Place::nonce;
  return *taken;
}

Result<std::size_t> Opener::Impl::take_nonce(ByteView bytes) {
  const std::size_t size = std::min(bytes.size(), nonce.size() - nonce_filled);
  std::memcpy(nonce.data() + nonce_filled, bytes.data(), size);
  nonce_filled += size;
  if (nonce_filled < nonce.size()) return size;
  auto key = payload_key(file_key, nonce);
  // Likewise.
  file_key = {};
  if (!key) {
    (void)fail_with(std::move(key.error()));
    return tl::unexpected(*error);
  }
  state.payload_key = std::move(*key);
  if (auto begun = begin_chunks(); !begun) return tl::unexpected(std::move(begun.error()));
  return size;
}

// A chunk that lies whole in what came is opened where it lies; only the pieces of one that does not are copied.
Result<std::size_t> Opener::Impl::take_chunk(ByteView bytes, const PlainSink& sink) {
  Result<void> done;
  std::size_t size = 0;
  if (sealed.empty() && bytes.size() >= sealed_chunk_size) {
    size = sealed_chunk_size;
    done = open_whole(bytes.first(size), sink);
  } else {
    size = std::min(bytes.size(), sealed_chunk_size - sealed.size());
    sealed.insert(sealed.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    if (sealed.size() < sealed_chunk_size) return size;
    done = open_whole(sealed, sink);
    sealed.clear();
  }
  if (!done) return tl::unexpected(std::move(done.error()));
  return size;
}

// A chunk of full size may be the last one or not: only its tag tells. It is tried as what it mostly is first.
Result<void> Opener::Impl::open_whole(ByteView chunk, const PlainSink& sink) {
  plain.resize(chunk_size);
  if (cipher->open(state.next_chunk, false, chunk, plain)) return release(chunk_size, false, sink);
  if (cipher->open(state.next_chunk, true, chunk, plain)) return release(chunk_size, true, sink);
  return refuse_for(Refusal::changed_payload, "the tag of a chunk is wrong");
}

// Only after its tag was right: no plain byte leaves that nobody has vouched for.
Result<void> Opener::Impl::release(std::size_t size, bool last, const PlainSink& sink) {
  if (auto taken = sink(ByteView(plain).first(size)); !taken) return fail_with(std::move(taken.error()));
  released += size;
  // A chunk is opened once: after a resume the next one has this number, and chunks in another order do not open.
  ++state.next_chunk;
  if (last) place = Place::after_last;
  return {};
}

Opener::Opener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Opener::Opener(const Identity& identity) : impl_(std::make_unique<Impl>()) {
  impl_->identity = identity.clone();
}

Opener::~Opener() = default;
Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;

Result<Opener> Opener::resume(const OpenerState& state) {
  auto impl = std::make_unique<Impl>();
  impl->state = {state.payload_key.clone(), state.header_size, state.next_chunk};
  impl->released = state.plain_offset();
  if (auto begun = impl->begin_chunks(); !begun) return tl::unexpected(std::move(begun.error()));
  return Opener(std::move(impl));
}

Result<void> Opener::push(ByteView sealed, const PlainSink& sink) {
  Impl& impl = *impl_;
  while (!sealed.empty()) {
    Result<std::size_t> taken = 0;
    switch (impl.place) {
      case Impl::Place::header:
        taken = impl.take_header(sealed);
        break;
      case Impl::Place::nonce:
        taken = impl.take_nonce(sealed);
        break;
      case Impl::Place::chunks:
        taken = impl.take_chunk(sealed, sink);
        break;
      case Impl::Place::after_last:
        // Bytes behind the last chunk: a writer that appends must not go unnoticed.
        return impl.refuse_for(Refusal::trailing);
      case Impl::Place::failed:
        return tl::unexpected(*impl.error);
    }
    if (!taken) return tl::unexpected(std::move(taken.error()));
    sealed = sealed.subspan(*taken);
  }
  if (impl.place == Impl::Place::failed) return tl::unexpected(*impl.error);
  return {};
}

Result<void> Opener::finish(const PlainSink& sink) {
  Impl& impl = *impl_;
  switch (impl.place) {
    case Impl::Place::header:
      return impl.reader.started() ? impl.refuse_for(Refusal::malformed_header, "it ends early")
                                   : impl.refuse_for(Refusal::not_age);
    case Impl::Place::nonce:
      return impl.refuse_for(Refusal::malformed_header, "the file ends behind it");
    case Impl::Place::after_last:
      return {};
    case Impl::Place::failed:
      return tl::unexpected(*impl.error);
    case Impl::Place::chunks:
      break;
  }
  // What is left is the last chunk, shorter than the others; a full one showed itself as the last by its tag.
  // Not even the tag of a last chunk: the file was cut at a chunk's end, or within a tag.
  if (impl.sealed.size() < tag_size) return impl.refuse_for(Refusal::truncated);
  const std::size_t size = impl.sealed.size() - tag_size;
  // Of age's format: only a file without a byte ends with an empty chunk.
  if (size == 0 && impl.state.next_chunk > 0)
    return impl.refuse_for(Refusal::changed_payload, "its last chunk is empty");
  impl.plain.resize(size);
  if (!impl.cipher->open(impl.state.next_chunk, true, impl.sealed, impl.plain))
    return impl.refuse_for(Refusal::changed_payload, "its last chunk is cut short, or its tag is wrong");
  impl.sealed.clear();
  return impl.release(size, true, sink);
}

std::optional<Refusal> Opener::refusal() const {
  return impl_->refusal;
}

bool Opener::opened() const {
  return impl_->cipher.has_value() || impl_->place == Impl::Place::nonce;
}

std::uint64_t Opener::released() const {
  return impl_->released;
}

std::optional<OpenerState> Opener::state() const {
  const Impl& impl = *impl_;
  // After a refusal nothing goes on; after the last chunk nothing is left.
  if (!impl.cipher || impl.place == Impl::Place::after_last || impl.refusal) return std::nullopt;
  return OpenerState{impl.state.payload_key.clone(), impl.state.header_size, impl.state.next_chunk};
}

Result<RangeOpener> RangeOpener::open(const Identity& identity, ByteView front, std::uint64_t sealed_size) {
  HeaderReader reader;
  const auto taken = reader.push(front);
  if (!taken) return tl::unexpected(explain(taken.error()));
  if (!reader.complete() || front.size() - *taken < payload_nonce_size)
    return refuse(Refusal::malformed_header, "it ends early");
  const auto file_key = unwrap(reader.header(), identity);
  if (!file_key) return tl::unexpected(explain(file_key.error()));
  PayloadNonce nonce{};
  std::memcpy(nonce.data(), front.data() + *taken, nonce.size());
  auto key = payload_key(*file_key, nonce);
  if (!key) return tl::unexpected(std::move(key.error()));
  return open({std::move(*key), *taken, 0}, sealed_size);
}

Result<RangeOpener> RangeOpener::open(const OpenerState& state, std::uint64_t sealed_size) {
  const auto layout = Layout::of_sealed(state.header_size, sealed_size);
  if (!layout) return refuse(Refusal::truncated);
  auto cipher = ChunkCipher::create(state.payload_key, Aead::Direction::open);
  if (!cipher) return tl::unexpected(std::move(cipher.error()));
  return RangeOpener(*layout, std::move(*cipher));
}

Result<void> RangeOpener::open_chunk(std::uint64_t chunk, ByteView sealed, std::span<std::byte> out) {
  if (chunk >= layout_.chunk_count() || sealed.size() != layout_.sealed_chunk_size(chunk))
    return refuse(Refusal::changed_payload, "a chunk has not the size that it must have");
  if (!cipher_.open(chunk, layout_.is_last(chunk), sealed, out))
    return refuse(Refusal::changed_payload, "the tag of a chunk is wrong");
  return {};
}

}  // namespace qrx::seal
