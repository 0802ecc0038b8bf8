// Opening: the bytes of an age v1 file go in as they come, and plain bytes come out, never one whose chunk was not
// verified.
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

// Could these first bytes of a file be those of an age file? True for fewer bytes than age's mark, while they agree.
bool looks_sealed(ByteView first_bytes);

// What an Opener goes on from: all chunks before next_chunk were verified and released. Secret: it opens this one file.
struct OpenerState {
  Key payload_key;
  std::uint64_t header_size = 0;
  std::uint64_t next_chunk = 0;

  std::uint64_t plain_offset() const { return next_chunk * chunk_size; }  // plain bytes released
  std::uint64_t sealed_offset() const;                                    // the byte of the file to feed next

  std::string text() const;  // for a state file of mode 0600; give it to wipe() after use
  static Result<OpenerState> parse(std::string_view text);  // Kind::integrity when it is not such a text
};

// Takes verified plain bytes, in order; valid during the call. An error ends the opening and is returned from push().
using PlainSink = std::function<Result<void>(ByteView plain)>;

// Movable; one thread at a time; two chunks of memory, allocated once.
class Opener {
 public:
  explicit Opener(const Identity& identity);  // keeps a copy of the identity until the header was read
  // Goes on at state.sealed_offset(). Kind::other when OpenSSL refuses to work.
  static Result<Opener> resume(const OpenerState& state);
  ~Opener();
  Opener(Opener&&) noexcept;
  Opener& operator=(Opener&&) noexcept;

  // The next bytes of the file, in pieces of any size. Each chunk is released as soon as its last byte is there.
  // After an error every further call gives the same error, and nothing more is released.
  Result<void> push(ByteView sealed, const PlainSink& sink);

  // The file has ended: releases the last chunk. Only after it succeeded is the file known to be whole.
  Result<void> finish(const PlainSink& sink);

  // Why the file was refused, once push() or finish() failed for what is in the file.
  std::optional<Refusal> refusal() const;

  bool opened() const;             // the header was read and fits the identity
  std::uint64_t released() const;  // plain bytes given to sinks, those before a resume included
  // nullopt before opened(), once the last chunk was released, and after a refusal. Bytes of a chunk that is not
  // complete are not part of it.
  std::optional<OpenerState> state() const;

 private:
  struct Impl;
  explicit Opener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Random access: the chunks of a file whose size is known, for ranges.
class RangeOpener {
 public:
  // `front` holds the first bytes of the file: header and payload nonce, at most most_front_bytes are needed.
  // Kind::integrity and Kind::unsupported as explain() has them.
  static Result<RangeOpener> open(const Identity& identity, ByteView front, std::uint64_t sealed_size);
  // From the state of an Opener of the same file.
  static Result<RangeOpener> open(const OpenerState& state, std::uint64_t sealed_size);

  const Layout& layout() const { return layout_; }

  // `sealed` has layout().sealed_chunk_size(chunk) bytes, `out` tag_size fewer (in place allowed); other sizes are
  // refused like a wrong tag. The size of the file is claimed by whoever sent it, and proven only by opening the
  // last chunk: do that before trusting what is measured from the end.
  Result<void> open_chunk(std::uint64_t chunk, ByteView sealed, std::span<std::byte> out);

 private:
  RangeOpener(const Layout& layout, ChunkCipher cipher) : layout_(layout), cipher_(std::move(cipher)) {}
  Layout layout_;
  ChunkCipher cipher_;
};

inline constexpr std::size_t most_front_bytes = most_header_bytes + payload_nonce_size;

}  // namespace qrx::seal
