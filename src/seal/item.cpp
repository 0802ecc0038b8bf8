#include "seal/item.h"

#include <string_view>

#include "base/bytes.h"
#include "seal/sealer.h"

namespace qrx::seal {
namespace {

constexpr std::string_view tag_label = "qrx item v1";
constexpr std::size_t tag_bytes = 16;

}  // namespace

Result<std::string> item_tag(const Key& payload_key) {
  // Made from the key of the payload, which only sender and receiver have. A label of its own keeps it apart from all
  // else that is made from that key.
  const auto mac = hmac_sha256(payload_key.view(), as_bytes(tag_label));
  if (!mac) return tl::unexpected(mac.error());
  return to_hex(std::as_bytes(std::span(*mac).first(tag_bytes)));
}

std::uint64_t plain_part(std::uint64_t sealed) {
  // What comes before the first sealed byte of a file with one X25519 stanza; for others it is off by their length.
  static const std::uint64_t front = sealed_size(0) - tag_size;
  if (sealed <= front) return 0;
  const std::uint64_t rest = sealed - front;
  const std::uint64_t last = rest % sealed_chunk_size;
  return rest / sealed_chunk_size * chunk_size + (last > tag_size ? last - tag_size : 0);
}

}  // namespace qrx::seal
