#include "receive/age_decryptor.h"

#include <algorithm>

#include "base/running_sums.h"
#include "seal/item.h"
#include "seal/pipeline.h"

namespace qrx::receive {
namespace {

constexpr std::size_t step_bytes = 64;  // of the front: fewer than a chunk, so that nothing is released with it

}  // namespace

bool is_foreign(seal::Refusal refusal) {
  switch (refusal) {
    // Not sealed, or to somebody else: an ordinary file with an odd name, which its receiver may well want.
    case seal::Refusal::not_age:
    case seal::Refusal::armored:
    case seal::Refusal::other_version:
    case seal::Refusal::passphrase:
    case seal::Refusal::no_match:
      return true;
    default:
      return false;
  }
}

struct AgeDecryptor::State {
  seal::PlainSink sink;
  AdmitTag admit;
  RunningSums plain;             // the pipeline's thread, until it ended
  std::uint64_t plain_size = 0;  // likewise
  Xxh128 wire;
  std::uint64_t taken = 0;
  std::string tag;
  std::optional<seal::Opener> opener;  // until the front was read
  std::optional<seal::OpenPipeline> pipeline;
  std::optional<seal::Refusal> refusal;

  State(const seal::Identity& identity, seal::PlainSink to, bool sha256, AdmitTag may)
      : sink(std::move(to)), admit(std::move(may)), plain(sha256) {
    opener.emplace(identity);
  }

  // On the pipeline's thread. The sums come after the sink: they tell what it really has.
  Result<void> release(ByteView bytes) {
    if (auto done = sink(bytes); !done) return done;
    plain.update(bytes);
    plain_size += bytes.size();
    return {};
  }
  seal::PlainSink releaser() {
    return [this](ByteView bytes) { return release(bytes); };
  }

  // Reads of the front what is there; the bytes read. Then either all of them are, or `tag` is known.
  Result<std::size_t> read_front(ByteView bytes) {
    std::size_t at = 0;
    while (at < bytes.size() && tag.empty()) {
      // In small steps, so that the tag is known, and admitted, before the first chunk is opened.
      const auto piece = bytes.subspan(at, std::min(step_bytes, bytes.size() - at));
      if (auto pushed = opener->push(piece, releaser()); !pushed) {
        refusal = opener->refusal();
        return tl::unexpected(pushed.error());
      }
      at += piece.size();
      if (const auto state = opener->state()) {
        auto made = seal::item_tag(state->payload_key);
        if (!made) return tl::unexpected(made.error());
        // Nothing of an item that was taken in another delivery may reach the sink.
        if (admit)
          if (auto admitted = admit(*made); !admitted) return tl::unexpected(admitted.error());
        tag = std::move(*made);
      }
    }
    return at;
  }
};

AgeDecryptor::AgeDecryptor(const seal::Identity& identity, seal::PlainSink sink, bool sha256, AdmitTag admit)
    : state_(std::make_unique<State>(identity, std::move(sink), sha256, std::move(admit))) {}
AgeDecryptor::~AgeDecryptor() = default;

std::uint64_t AgeDecryptor::taken() const {
  return state_->taken;
}
const Xxh128& AgeDecryptor::wire_sum() const {
  return state_->wire;
}
std::optional<seal::Refusal> AgeDecryptor::refusal() const {
  return state_->refusal;
}

Result<void> AgeDecryptor::push(ByteView sealed) {
  State& state = *state_;
  // Of all sealed bytes, also of those that fail to open: the caller compares the sum with the server's first.
  state.wire.update(sealed);
  state.taken += sealed.size();
  if (state.tag.empty()) {
    const auto read = state.read_front(sealed);
    if (!read) return tl::unexpected(read.error());
    sealed = sealed.subspan(*read);
    if (state.tag.empty()) return {};
    // Which starts a thread: a file that is refused by its front never needs one.
    state.pipeline.emplace(std::move(*state.opener), state.releaser());
    state.opener.reset();
  }
  auto pushed = state.pipeline->push(sealed);
  if (!pushed) state.refusal = state.pipeline->stop().refusal();
  return pushed;
}

Result<Arrived> AgeDecryptor::finish() {
  State& state = *state_;
  const auto finished = state.pipeline ? state.pipeline->finish() : state.opener->finish(state.releaser());
  if (!finished) {
    state.refusal = (state.pipeline ? state.pipeline->stop() : *state.opener).refusal();
    return tl::unexpected(finished.error());
  }
  return Arrived{state.plain_size, state.plain.sums(), state.wire.sum(), state.tag};
}

Result<bool> AgeDecryptor::resume(ByteView front, std::uint64_t chunks, const seal::PlainReader& plain) {
  State& state = *state_;
  if (const auto read = state.read_front(front); !read) return tl::unexpected(read.error());
  auto stands = state.opener->state();
  if (!stands) return false;
  const std::uint64_t front_size = seal::Layout{stands->header_size, 0}.sealed_offset(0);
  // The nonce of the payload is not whole yet.
  if (front.size() < front_size) return false;
  state.wire.update(front.first(static_cast<std::size_t>(front_size)));
  auto cipher = seal::ChunkCipher::create(stands->payload_key, seal::Aead::Direction::seal);
  if (!cipher) return tl::unexpected(cipher.error());
  // Sealing is deterministic: the kept plain bytes give the very bytes that the server has, so that the sum of the
  // whole file can still be compared.
  std::vector<std::byte> chunk(seal::sealed_chunk_size);
  for (std::uint64_t number = 0; number < chunks; ++number) {
    const auto space = std::span(chunk).first(seal::chunk_size);
    for (std::size_t filled = 0; filled < space.size();) {
      const auto got = plain(number * seal::chunk_size + filled, space.subspan(filled));
      if (!got) return tl::unexpected(got.error());
      if (*got == 0) return fail(Kind::integrity, "what was kept of an encrypted file became shorter");
      filled += *got;
    }
    state.plain.update(space);
    state.plain_size += space.size();
    if (!cipher->seal(number, false, space, chunk))
      return fail(Kind::other, "OpenSSL cannot encrypt a chunk", seal::no_crypto_hint);
    state.wire.update(chunk);
  }
  // Only whole chunks that are not the last: the last one tells that the file ends there, and is opened again.
  stands->next_chunk = chunks;
  auto opener = seal::Opener::resume(*stands);
  if (!opener) return tl::unexpected(opener.error());
  state.taken = stands->sealed_offset();
  state.opener.reset();
  state.pipeline.emplace(std::move(*opener), state.releaser());
  return true;
}

Result<Arrived> open_whole(const seal::Identity& identity, ByteView sealed, bool sha256, std::string& plain,
                           std::optional<seal::Refusal>& refusal) {
  const auto sink = [&plain](ByteView bytes) -> Result<void> {
    plain += as_text(bytes);
    return {};
  };
  // In this thread: a pipeline would cost one of its own, longer to start than the file takes.
  AgeDecryptor::State state(identity, sink, sha256, nullptr);
  state.wire.update(sealed);
  Result<void> opened;
  if (const auto front = state.read_front(sealed); !front)
    opened = tl::unexpected(front.error());
  else
    opened = state.opener->push(sealed.subspan(*front), state.releaser());
  if (opened) opened = state.opener->finish(state.releaser());
  refusal = state.opener->refusal();
  if (!opened) return tl::unexpected(opened.error());
  return Arrived{state.plain_size, state.plain.sums(), state.wire.sum(), state.tag};
}

}  // namespace qrx::receive
