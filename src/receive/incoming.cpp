#include "receive/incoming.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "seal/item.h"

namespace qrx::receive {
namespace {

constexpr std::size_t front_step = 4096;  // of a sealed file, to find the end of its header

// The first bytes of a sealed file, header and all.
Result<std::vector<std::byte>> fetch_front(api::OwnerClient& client, const Id& file) {
  // No more of it: under a limit, what is on its way counts as taken.
  const auto opened = client.open(file, 0, std::nullopt, front_step);
  if (!opened) return tl::unexpected(opened.error());
  std::vector<std::byte> front;
  for (;;) {
    const std::size_t before = front.size();
    // A header without end would otherwise be read for ever.
    if (before > seal::most_front_bytes) return fail(Kind::integrity, "the header of an encrypted file does not end");
    front.resize(before + front_step);
    const auto got = client.read(std::span(front).subspan(before));
    if (!got) return tl::unexpected(got.error());
    front.resize(before + *got);
    if (front.size() >= seal::sealed_size(0) || *got == 0) break;
  }
  client.close();  // the rest of it is asked for from where it is needed
  return front;
}

// The sums of the bytes that are there.
Result<void> sum_partial(const PartialFile& partial, RunningSums& sums, std::vector<std::byte>& buffer,
                         const http::Interrupt& interrupt) {
  for (std::uint64_t at = 0; at < partial.size();) {
    if (interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), partial.size() - at));
    const auto got = partial.read_at(at, std::span(buffer).first(most));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::integrity, partial.name() + " was changed by someone while it was being saved");
    sums.update({buffer.data(), *got});
    at += *got;
  }
  return {};
}

}  // namespace

Incoming::Incoming(seal::PlainSink sink, bool sha256, const seal::Identity* key, AgeDecryptor::AdmitTag admit)
    : sink_(std::move(sink)), sums_(sha256) {
  if (key != nullptr) decryptor_ = std::make_unique<AgeDecryptor>(*key, sink_, sha256, std::move(admit));
}

std::uint64_t Incoming::taken() const {
  return decryptor_ ? decryptor_->taken() : taken_;
}

std::uint64_t Incoming::shown() const {
  return decryptor_ ? seal::plain_part(taken()) : taken_;
}

std::optional<seal::Refusal> Incoming::refusal() const {
  return decryptor_ ? decryptor_->refusal() : std::nullopt;
}

Result<void> Incoming::take_up(api::OwnerClient& client, const Expected& expected, PartialFile& partial,
                               std::vector<std::byte>& buffer, const http::Interrupt& interrupt,
                               std::optional<KeptBytes> kept) {
  kept_ = std::move(kept);
  if (const auto by_kept = take_up_kept(expected, partial); !by_kept || *by_kept) return by_kept.map([](bool) {});
  if (partial.size() == 0) return {};
  if (decryptor_) return take_up_opened(client, expected.file, partial);
  // Of another upload of the same name, or begun anew: it cannot be a beginning of this file.
  if (expected.size && partial.size() > *expected.size) return partial.truncate(0);
  // What is there is read once: the sum of the whole needs it, and it may have changed since it was written.
  if (auto summed = sum_partial(partial, sums_, buffer, interrupt); !summed) return summed;
  taken_ = partial.size();
  return {};
}

// False when there is nothing of it. It has all that was opened into the partial, and more.
Result<bool> Incoming::take_up_kept(const Expected& expected, PartialFile& partial) {
  const std::string bytes = kept_ ? kept_->take() : std::string();
  if (bytes.empty()) return false;
  if (bytes.size() < expected.size.value_or(0)) {
    if (auto emptied = partial.truncate(0); !emptied) return tl::unexpected(emptied.error());
    const auto pushed = decryptor_->push(as_bytes(bytes));
    if (pushed) return true;
    // The partial cannot be written: what is kept is sound, and may not come again.
    if (!decryptor_->refusal()) return tl::unexpected(pushed.error());
  }
  kept_->remove();
  // Temporary: the next attempt begins anew.
  return fail(Kind::unavailable, "what an earlier run has left of an encrypted file is damaged");
}

Result<void> Incoming::take_up_opened(api::OwnerClient& client, const Id& file, PartialFile& partial) {
  // The last chunk is fetched again, even when it is there: it tells that the file ends with it.
  const std::uint64_t chunks = (partial.size() - 1) / seal::chunk_size;
  // Less than a chunk: there is nothing to save by it. What is kept from now on begins with the first byte.
  if (chunks == 0 || kept_) return partial.truncate(0);
  const auto front = fetch_front(client, file);
  if (!front) return tl::unexpected(front.error());
  const auto resumed = decryptor_->resume(*front, chunks, [&partial](std::uint64_t offset, std::span<std::byte> space) {
    return partial.read_at(offset, space);
  });
  if (!resumed) return tl::unexpected(resumed.error());
  if (!*resumed) return fail(Kind::integrity, "the header of an encrypted file is longer than expected");
  // What is fetched again must not stand there twice.
  return partial.truncate(chunks * seal::chunk_size);
}

Result<void> Incoming::take(ByteView bytes) {
  // Kept first: what is opened of it may be in the partial as soon as it is pushed.
  if (kept_) kept_->append(bytes);
  if (decryptor_) {
    auto pushed = decryptor_->push(bytes);
    if (!pushed && decryptor_->refusal() && kept_) kept_->remove();
    return pushed;
  }
  sums_.update(bytes);
  if (auto written = sink_(bytes); !written) return written;
  taken_ += bytes.size();
  return {};
}

Result<void> Incoming::pull(api::OwnerClient& client, const Expected& expected, std::vector<std::byte>& buffer,
                            const std::function<Result<void>()>& each, std::optional<std::uint64_t> until) {
  const std::uint64_t start = taken();
  const auto end = until ? until : expected.size;
  if (end && start >= *end) return {};
  const auto opened = client.open(expected.file, start, expected.sum, until);
  if (!opened) return tl::unexpected(opened.error());
  // What a server sends in front of what was asked for is passed over: the sink cannot take it a second time.
  std::uint64_t skip = start - opened->start;
  for (;;) {
    // One byte more than it said, to see the end: a disk is not filled by a server that goes on and on.
    const std::uint64_t most = end ? skip + *end - taken() + 1 : buffer.size();
    const auto got =
        client.read(std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(most, buffer.size()))));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    const bool more = end && *got == most;
    if (more && !until) return fail(Kind::integrity, "the server sent more of a file than it announced");
    const std::size_t size = *got - (more ? 1 : 0);
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip, size));
    skip -= skipped;
    if (skipped < size)
      if (auto done = take(ByteView(buffer).subspan(skipped, size - skipped)); !done) return done;
    if (auto done = each(); !done) return done;
    if (!more) continue;
    client.close();  // it knows no ranges
    break;
  }
  // A server that sends the whole in place of the rest has less than what was taken: it is another file now.
  if (skip > 0) return fail(Kind::integrity, "the file became shorter while it was received");
  return {};
}

Result<bool> Incoming::end_by_sum(const Xxh128Sum& whole) {
  const auto last = (decryptor_ ? decryptor_->wire_sum() : sums_.xxh128()).byte_to(whole);
  if (!last && kept_) kept_->remove();
  if (!last) return false;
  // It is not kept: that it is here must not be known before it is asked for.
  kept_.reset();
  if (auto taken = take({&*last, 1}); !taken) return tl::unexpected(taken.error());
  return true;
}

Result<Arrived> Incoming::finish() {
  if (decryptor_) return decryptor_->finish();
  const Sums sums = sums_.sums();
  return Arrived{taken_, sums, sums.xxh128, {}};
}

}  // namespace qrx::receive
