#include "space/context.h"

#include <algorithm>
#include <vector>

namespace qrx::space {

std::string about(const char* thing, const Id& id, const Error& error) {
  return std::string(thing) + " " + id.text() + ": " + error.what;
}

tl::unexpected<Error> no_such_space() {
  return fail(Kind::not_found, "no such space");
}
tl::unexpected<Error> no_such_upload() {
  return fail(Kind::not_found, "no such upload");
}
tl::unexpected<Error> no_such_delivery() {
  return fail(Kind::not_found, "no such delivery");
}

tl::unexpected<Error> takes_no_more_files() {
  return fail(Kind::denied, "the receiver has finished: this link no longer accepts files");
}

Result<void> Context::go_on(const std::stop_token& stop) const {
  if (stopping.load(std::memory_order_relaxed) || stop.stop_requested())
    return fail(Kind::unavailable, "server shutting down");
  return {};
}

Result<void> read_through(const Context& context, const Opened& blob, std::uint64_t offset, std::uint64_t size,
                          const std::function<Result<void>(ByteView)>& take, const std::stop_token& stop) {
  // 256 KiB: large enough for the disk, small enough that a stop is noticed at once.
  std::vector<std::byte> buffer(std::min<std::uint64_t>(size, 256U << 10));
  while (size > 0) {
    if (auto on = context.go_on(stop); !on) return on;
    const std::size_t wanted = std::min<std::uint64_t>(size, buffer.size());
    auto got = blob.read_at(offset, {buffer.data(), wanted});
    if (!got) return tl::unexpected(got.error());
    if (*got < wanted) return fail(Kind::integrity, "stored bytes are missing");
    if (auto taken = take({buffer.data(), wanted}); !taken) return taken;
    offset += wanted;
    size -= wanted;
  }
  return {};
}

}  // namespace qrx::space
