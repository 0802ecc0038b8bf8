#include "send/sealed_source.h"

#include <optional>
#include <vector>

#include "seal/pipeline.h"

namespace qrx::send {
namespace {

constexpr std::size_t buffer_bytes = 256U << 10;

// Sums of plain bytes that come in order, whatever is read again.
struct PlainSums {
  RunningSums running;
  std::uint64_t position = 0;

  // Read again after a cut, to seal it again; it was summed the first time.
  void take(std::uint64_t offset, ByteView bytes) {
    if (offset + bytes.size() <= position) return;
    bytes = bytes.subspan(static_cast<std::size_t>(position - offset));
    running.update(bytes);
    position += bytes.size();
  }
};

}  // namespace

struct SealedSource::State {
  explicit State(bool sha256) : sums{RunningSums(sha256)} {}
  PlainSums sums;  // the pipeline's thread, until it was joined
  std::optional<seal::SealPipeline> pipeline;
};

SealedSource::SealedSource(seal::Sealer sealer, const SourceFile& file, std::uint64_t plain_size, bool sha256)
    : state_(std::make_unique<State>(sha256)) {
  auto source = [&file, plain_size, state = state_.get()](std::uint64_t offset,
                                                          std::span<std::byte> space) -> Result<std::size_t> {
    auto got = file.read_at(offset, space);
    // A file that ends elsewhere than it did: the error is to name it, not the sealer.
    if (got && ((*got == 0 && offset < plain_size) || offset + *got > plain_size))
      if (auto same = file.check_unchanged(); !same) return tl::unexpected(same.error());
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

Sums SealedSource::finish() {
  // Joins the thread: from here on the sums are this thread's.
  state_->pipeline.reset();
  return state_->sums.running.sums();
}

Result<SentFile> sum_sealed(const SendJob& job, std::size_t item, wire::ReceivedFile& wire) {
  const Source& source = job.list.sources[job.items.first_source(item)];
  const auto file = SourceFile::open(source, true);
  if (!file) return tl::unexpected(file.error());
  auto sealer = job.plan->sealer(item);
  if (!sealer) return tl::unexpected(sealer.error());
  SealedSource sealed(std::move(*sealer), *file, *source.size, job.options.sha256);
  std::vector<std::byte> buffer(buffer_bytes);
  Xxh128 sum;
  wire = {job.plan->item(item), 0, {}};
  for (;;) {
    if (job.interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    const auto got = sealed.read(buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    sum.update(ByteView(buffer).first(*got));
    wire.size += *got;
  }
  wire.xxh128 = sum.sum();
  const Sums plain = sealed.finish();
  return SentFile{source.name, *source.size, plain.xxh128, plain.sha256, true};
}

}  // namespace qrx::send
