#include "space/content_type.h"

#include <algorithm>

namespace qrx::space {
namespace {

// The first line of every age v1 header, https://age-encryption.org/v1. The armored form begins differently, and is not
// accepted.
constexpr std::string_view age_start = "age-encryption.org/v1\n";

}  // namespace

bool is_sealed(ByteView beginning) {
  return as_text(beginning).starts_with(age_start);
}

// The first line may arrive in pieces, by several requests: each is compared with its part of it, so that what is not
// sealed is refused before it is stored.
bool may_be_sealed(std::uint64_t offset, ByteView bytes) {
  if (offset >= age_start.size()) return true;
  const std::string_view wanted = age_start.substr(static_cast<std::size_t>(offset));
  const std::size_t size = std::min(wanted.size(), bytes.size());
  return as_text(bytes.first(size)) == wanted.substr(0, size);
}

tl::unexpected<Error> sealed_only() {
  return fail(Kind::denied, "this space accepts only encrypted files",
              "send with qrx-send, or encrypt with age to the key in the link");
}

}  // namespace qrx::space
