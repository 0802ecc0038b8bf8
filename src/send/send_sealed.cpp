// What sealing adds to a running delivery: sources read through the seal, and the manifest.
#include <algorithm>

#include "api/refusals.h"
#include "seal/pipeline.h"
#include "send/send_job.h"

namespace qrx::send {
namespace {

constexpr std::size_t buffer_bytes = 256U << 10;

// Sums of plain bytes that come in order, whatever is read again.
struct PlainSums {
  Xxh128 xxh128;
  std::optional<Sha256> sha256;
  std::uint64_t position = 0;

  void take(std::uint64_t offset, ByteView bytes) {
    if (offset + bytes.size() <= position) return;
    bytes = bytes.subspan(static_cast<std::size_t>(position - offset));
    xxh128.update(bytes);
    if (sha256) sha256->update(bytes);
    position += bytes.size();
  }
};

}  // namespace

struct SealedSource::State {
  PlainSums sums;  // the pipeline's thread, until it was joined
  std::optional<seal::SealPipeline> pipeline;
};

SealedSource::SealedSource(seal::Sealer sealer, const SourceFile& file, std::uint64_t plain_size, bool sha256)
    : state_(std::make_unique<State>()) {
  if (sha256) state_->sums.sha256.emplace();
  auto source = [&file, state = state_.get()](std::uint64_t offset, std::span<std::byte> space) {
    auto got = file.read_at(offset, space);
    if (got) state->sums.take(offset, space.first(*got));
    return got;
  };
  state_->pipeline.emplace(seal::SealedReader(std::move(sealer), std::move(source), plain_size));
}
SealedSource::SealedSource(SealedSource&&) noexcept = default;
SealedSource::~SealedSource() = default;

Result<std::size_t> SealedSource::read(std::span<std::byte> space) {
  return state_->pipeline->read(space);
}
void SealedSource::seek(std::uint64_t offset) {
  state_->pipeline->seek(offset);
}

void SealedSource::finish(SentFile& into) {
  state_->pipeline.reset();
  into.xxh128 = state_->sums.xxh128.sum();
  if (state_->sums.sha256) into.sha256 = state_->sums.sha256->sum();
}

Result<SentFile> sum_sealed(const SealPlan& plan, const SourceList& list, std::size_t index, bool sha256,
                            const http::Interrupt& interrupt, wire::ReceivedFile& wire) {
  const Source& source = list.sources[index];
  const auto file = SourceFile::open(source, true);
  if (!file) return tl::unexpected(file.error());
  auto sealer = plan.sealer(index);
  if (!sealer) return tl::unexpected(sealer.error());
  SealedSource sealed(std::move(*sealer), *file, *source.size, sha256);
  std::vector<std::byte> buffer(buffer_bytes);
  Xxh128 sum;
  wire = {plan.item(index), 0, {}};
  for (;;) {
    if (interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    const auto got = sealed.read(buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    sum.update(ByteView(buffer).first(*got));
    wire.size += *got;
  }
  wire.xxh128 = sum.sum();
  SentFile out{source.name, *source.size, {}, std::nullopt, true};
  sealed.finish(out);
  return out;
}

namespace {

// One attempt. The server's sum when it gave one.
Result<std::optional<Xxh128Sum>> try_manifest(SendJob& job, api::DropClient& client, std::optional<Id>& upload) {
  const std::string& bytes = job.plan->manifest();
  const std::string name(wire::manifest_name);
  if (bytes.size() <= most_small_bytes) {
    if (auto posted = client.post_small(job.delivery, name, bytes); !posted) return tl::unexpected(posted.error());
    return client.small_answer();
  }
  std::uint64_t offset = 0;
  if (!upload) {
    const auto made = client.create_upload(job.delivery, name, bytes.size());
    if (!made) return tl::unexpected(made.error());
    upload = *made;
  } else {
    const auto there = client.upload_standing(*upload);
    if (!there) return tl::unexpected(there.error());
    offset = std::min<std::uint64_t>(there->offset, bytes.size());
  }
  if (offset == bytes.size()) return std::optional<Xxh128Sum>{};
  std::uint64_t at = offset;
  const auto reader = [&](std::span<std::byte> space) -> Result<std::size_t> {
    const std::size_t size = std::min<std::size_t>(space.size(), bytes.size() - at);
    std::copy_n(as_bytes(bytes).data() + at, size, space.data());
    at += size;
    return size;
  };
  const auto patched = client.patch(*upload, offset, bytes.size() - offset, reader, nullptr);
  if (!patched) return tl::unexpected(patched.error());
  if (patched->offset != bytes.size()) return fail(Kind::unavailable, "the server took only a part");
  return patched->sum;
}

}  // namespace

Result<void> send_manifest(SendJob& job, api::DropClient& client) {
  if (job.plan == nullptr || job.manifest) return {};
  Xxh128 running;
  running.update(as_bytes(job.plan->manifest()));
  const Xxh128Sum sum = running.sum();
  api::Patience patience = job.patience();
  std::optional<Id> upload;
  for (;;) {
    const auto taken = try_manifest(job, client, upload);
    if (taken) {
      if (*taken && **taken != sum)
        return fail(Kind::integrity, "the server received other bytes of the list of files than were sent");
      job.manifest = wire::ReceivedFile{std::string(wire::manifest_name), job.plan->manifest().size(), sum};
      return {};
    }
    const auto asked = client.asked_pause();
    client.close();
    if (taken.error().kind == Kind::not_found) upload.reset();
    if (auto go_on = patience.wait(taken.error(), asked); !go_on) return go_on;
  }
}

}  // namespace qrx::send
