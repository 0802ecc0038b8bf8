#include "send/manifest_upload.h"

#include <algorithm>
#include <optional>
#include <string>

#include "api/retry.h"
#include "base/running_sums.h"
#include "wire/limits.h"

namespace qrx::send {
namespace {

// One attempt. The server's sum when it gave one.
Result<std::optional<Xxh128Sum>> try_manifest(SendJob& job, api::DropClient& client, std::optional<Id>& upload) {
  const std::string& bytes = job.plan->manifest();
  const std::string name(wire::manifest_name);
  if (bytes.size() <= wire::most_small_bytes) {
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
    // A server that has more than there is has other bytes: the sums at the commit tell.
    offset = std::min<std::uint64_t>(there->offset, bytes.size());
  }
  // All of it is there, and the answer was lost.
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
  const Xxh128Sum sum = sums_of(as_bytes(job.plan->manifest()), false).xxh128;
  std::optional<Id> upload;
  const auto taken = api::retry(client, job.backoff(), [&] { return try_manifest(job, client, upload); });
  if (!taken) return tl::unexpected(taken.error());
  if (*taken && **taken != sum)
    return fail(Kind::integrity, "the server received other bytes of the list of files than were sent");
  job.manifest = wire::ReceivedFile{std::string(wire::manifest_name), job.plan->manifest().size(), sum};
  return {};
}

}  // namespace qrx::send
