#include "receive/counted_file.h"

#include <functional>
#include <vector>

#include "api/retry.h"
#include "receive/kept_bytes.h"

namespace qrx::receive {
namespace {

// All of it, from a server that knows no ranges and counts that.
Result<void> take_whole(api::OwnerClient& client, const wire::FileInfo& file) {
  const auto opened = client.open(file.file, 0, file.xxh128);
  if (!opened) return tl::unexpected(opened.error());
  std::vector<std::byte> buffer(64U << 10);
  for (std::uint64_t taken = 0;;) {
    const auto got = client.read(buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return {};
    if (taken += *got; taken > file.size)
      return fail(Kind::integrity, "the server sent more of a file than it announced");
  }
}

// `before_last` is called when only the last byte is missing, and is known; and of an empty file, which tells nothing.
Result<std::optional<Sums>> end(const ReceiveJob& job, PartialFile& partial, const SavedRecord::Entry& entry,
                                const std::function<Result<void>()>& before_last) {
  auto sums = partial.sums(job.options.sha256);
  if (!sums) return tl::unexpected(sums.error());
  if (entry.size == 0)
    if (auto done = before_last(); !done) return tl::unexpected(done.error());
  if (partial.size() + 1 == entry.size) {
    const auto last = sums->xxh128().byte_to(entry.xxh128);
    if (!last) return std::nullopt;
    if (auto done = before_last(); !done) return tl::unexpected(done.error());
    if (auto written = partial.write({&*last, 1}); !written) return tl::unexpected(written.error());
    sums->update({&*last, 1});
  }
  const Sums whole = sums->sums();
  return whole.xxh128 == entry.xxh128 ? std::optional(whole) : std::nullopt;
}

}  // namespace

Result<void> ask_for_last_byte(const ReceiveJob& job, api::OwnerClient& client, const wire::FileInfo& file,
                               bool perhaps_given) {
  api::Backoff backoff = job.backoff();
  auto asked = api::retry(
      client, backoff,
      [&]() -> Result<void> {
        if (file.size == 0) return take_whole(client, file);
        auto taken = client.take_last_byte(file.file, file.size, file.xxh128);
        if (!taken && taken.error().kind == Kind::integrity) return take_whole(client, file);
        return taken;
      },
      [&](const Error& error, api::Asked) -> Result<api::Next> {
        if (error.kind == Kind::not_found) return tl::unexpected(error);
        // While somebody else's download runs nothing is given.
        perhaps_given = perhaps_given || error.kind != Kind::locked;
        return api::Next::pause;
      });
  if (!asked && asked.error().kind == Kind::not_found && perhaps_given) return {};
  return asked;
}

Result<void> count_download(const ReceiveJob& job, api::OwnerClient& client, const wire::FileInfo& file,
                            PartialFile& partial, const SavedRecord::Entry& entry, bool perhaps_given) {
  std::byte last{};
  if (entry.size > 0) {
    const auto got = partial.read_at(entry.size - 1, {&last, 1});
    if (!got) return tl::unexpected(got.error());
    // A whole one would be taken for one that is counted.
    if (auto cut = partial.truncate(entry.size - 1); !cut) return cut;
  }
  // Both before the byte is asked for: after a loss of power nothing of it comes a second time. However small it is.
  if (auto durable = partial.make_durable(); !durable) return durable;
  job.record->add(file.file, entry, true);
  KeptBytes::remove(job, file.file);
  if (auto asked = ask_for_last_byte(job, client, file, perhaps_given); !asked) {
    // Kept, it would be completed by the next run, beyond what the link allows.
    if (asked.error().kind == Kind::not_found) partial.discard();
    return asked;
  }
  return entry.size > 0 ? partial.write({&last, 1}) : Result<void>{};
}

Result<std::optional<Sums>> count_left(const ReceiveJob& job, api::OwnerClient& client, const wire::FileInfo& file,
                                       PartialFile& partial, const SavedRecord::Entry& entry) {
  return end(job, partial, entry,
             [&] { return job.limited ? ask_for_last_byte(job, client, file, true) : Result<void>{}; });
}

Result<std::optional<Sums>> end_left(const ReceiveJob& job, PartialFile& partial, const SavedRecord::Entry& entry) {
  return end(job, partial, entry, []() -> Result<void> { return {}; });
}

}  // namespace qrx::receive
