#include "send/small_item.h"

#include <span>
#include <utility>

#include "base/running_sums.h"
#include "send/source_file.h"

namespace qrx::send {
namespace {

// Behind what is there.
Result<SentFile> read_source(const SendJob& job, const Source& source, std::string& bytes) {
  auto file = SourceFile::open(source, job.plan != nullptr);
  if (!file) return tl::unexpected(file.error());
  const std::size_t begin = bytes.size();
  bytes.resize(begin + static_cast<std::size_t>(*source.size));
  const auto space = std::as_writable_bytes(std::span(bytes)).subspan(begin);
  for (std::size_t at = 0; at < space.size();) {
    const auto got = file->read_at(at, space.subspan(at));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return became_shorter(source);
    at += *got;
  }
  // After reading: otherwise half of an old and half of a new version could go out.
  if (auto same = file->check_unchanged(); !same) return tl::unexpected(same.error());
  const Sums plain = sums_of(space, job.options.sha256);
  return SentFile{source.name, *source.size, plain.xxh128, plain.sha256};
}

}  // namespace

Result<SmallItem> load_small_item(SendJob& job, std::size_t item) {
  SmallItem out;
  const auto sources = job.items.sources(item);
  out.files.reserve(sources.size());
  std::size_t size = 0;
  for (const std::size_t source : sources) size += static_cast<std::size_t>(*job.list.sources[source].size);
  out.bytes.reserve(size);
  for (const std::size_t source : sources) {
    auto read = read_source(job, job.list.sources[source], out.bytes);
    if (!read) return tl::unexpected(read.error());
    out.files.push_back(std::move(*read));
  }
  if (job.plan == nullptr) {
    out.sum = out.files.front().xxh128;
    return out;
  }
  auto sealer = job.plan->sealer(item);
  auto sealed = sealer ? seal_whole(std::move(*sealer), as_bytes(out.bytes)) : tl::unexpected(sealer.error());
  if (!sealed) return tl::unexpected(sealed.error());
  out.bytes = std::move(*sealed);
  out.sum = sums_of(as_bytes(out.bytes), false).xxh128;
  // A file may change within one tick of its time stamps, which then do not tell.
  if (job.sealed[item].value_or(out.sum) != out.sum)
    return fail(Kind::integrity, job.list.sources[sources.front()].path + " changed while it was being sent",
                "send it again when nobody else is writing to it");
  job.sealed[item] = out.sum;
  return out;
}

}  // namespace qrx::send
