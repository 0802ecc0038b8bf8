#include "receive/fetch_whole.h"

#include <utility>
#include <vector>

#include "api/owner_client.h"
#include "api/retry.h"
#include "base/running_sums.h"
#include "receive/incoming.h"

namespace qrx::receive {
namespace {

// One attempt at all but the last byte, from where it stands. False when it is not what its sum says.
Result<bool> pull_but_last(api::OwnerClient& client, const wire::FileInfo& info, Incoming& incoming,
                           std::vector<std::byte>& buffer) {
  const std::uint64_t until = info.size - 1;
  const auto pulled = incoming.pull(
      client, Expected(info), buffer, []() -> Result<void> { return {}; }, until);
  if (!pulled) return tl::unexpected(pulled.error());
  if (incoming.taken() < until) return fail(Kind::unavailable, "the connection was cut");
  return incoming.end_by_sum(info.xxh128);
}

tl::unexpected<Error> damaged_twice(const std::string& name) {
  return fail(Kind::integrity, name + " arrived damaged, twice: its checksum differs");
}

Result<std::string> fetch_uncounted(const ReceiveJob& job, const wire::FileInfo& info, const std::string& name) {
  if (info.size == 0) return std::string();  // it opens to nothing
  api::OwnerClient client(job.link, job.options.client);
  api::Backoff backoff = job.backoff();
  std::vector<std::byte> buffer(64U << 10);
  for (bool again = false;; again = true) {
    std::string bytes;
    Incoming incoming(
        [&bytes](ByteView piece) -> Result<void> {
          bytes += as_text(piece);
          return {};
        },
        false);
    const auto whole = api::retry(client, backoff, [&] { return pull_but_last(client, info, incoming, buffer); });
    if (!whole) return tl::unexpected(whole.error());
    if (*whole) return bytes;
    if (again) return damaged_twice(name);
    client.close();
  }
}

}  // namespace

Result<std::string> fetch_whole(const ReceiveJob& job, const wire::FileInfo& info, const std::string& name) {
  if (job.limited) return fetch_uncounted(job, info, name);
  api::OwnerClient client(job.link, job.options.client);
  api::Backoff backoff = job.backoff();
  const auto damaged = [&info](const std::string& bytes) {
    return bytes.size() != info.size || sums_of(as_bytes(bytes), false).xxh128 != info.xxh128;
  };
  bool damaged_once = false;
  return api::retry(
      client, backoff,
      [&]() -> Result<std::string> {
        // Not by ranges: it is small, and useless in part.
        if (auto posted = client.post_get(info.file); !posted) return tl::unexpected(posted.error());
        auto bytes = client.content(static_cast<std::size_t>(info.size));
        if (bytes && damaged(*bytes)) return damaged_twice(name);
        return bytes;
      },
      [&](const Error& error, api::Asked) -> Result<api::Next> {
        // The way here may be at fault.
        const bool again = error.kind == Kind::integrity && !std::exchange(damaged_once, true);
        return again ? api::Next::at_once : api::Next::pause;
      });
}

}  // namespace qrx::receive
