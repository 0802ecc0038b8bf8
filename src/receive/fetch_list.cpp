#include "receive/fetch_list.h"

#include <vector>

#include "api/owner_client.h"
#include "api/retry.h"
#include "receive/incoming.h"

namespace qrx::receive {
namespace {

// One attempt at a list, from where it stands. False when it is not what its sum says.
Result<bool> pull_list(api::OwnerClient& client, const wire::FileInfo& info, Incoming& incoming,
                       std::vector<std::byte>& buffer) {
  const std::uint64_t until = info.size - 1;
  const auto pulled = incoming.pull(
      client, Expected(info), buffer, []() -> Result<void> { return {}; }, until);
  if (!pulled) return tl::unexpected(pulled.error());
  if (incoming.taken() < until) return fail(Kind::unavailable, "the connection was cut");
  return incoming.end_by_sum(info.xxh128);
}

}  // namespace

Result<std::string> fetch_list(const ReceiveJob& job, const wire::FileInfo& info) {
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
    const auto whole = api::retry(client, backoff, [&] { return pull_list(client, info, incoming, buffer); });
    if (!whole) return tl::unexpected(whole.error());
    if (*whole) return bytes;
    if (again) return fail(Kind::integrity, "the list of files arrived damaged, twice: its checksum differs");
    client.close();
  }
}

}  // namespace qrx::receive
