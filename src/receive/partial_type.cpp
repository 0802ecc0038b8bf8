#include "receive/partial_type.h"

#include <array>

#include "wire/sniff.h"

namespace qrx::receive {

std::string type_of(const PartialFile& partial) {
  std::array<std::byte, wire::sniffed_bytes> beginning;
  const auto size = partial.read_at(0, beginning);
  const ByteView bytes(beginning.data(), size.value_or(0));
  return std::string(wire::sniff(bytes, bytes.size() == partial.size()).type);
}

}  // namespace qrx::receive
