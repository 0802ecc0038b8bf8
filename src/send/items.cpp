#include "send/items.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>

#include "seal/sealer.h"
#include "wire/limits.h"

namespace qrx::send {
namespace {

// Larger ones gain little, and what is packed is opened as a whole by whoever wants one file of it.
constexpr std::uint64_t most_packed_bytes = 64U << 10;
constexpr std::size_t fewest_packed = 17;  // fewer are sent in no time, and stay items of their own
constexpr std::size_t most_of_pack = 256;

bool is_packed(const Source& source) {
  return !source.stream && source.size.value_or(most_packed_bytes + 1) <= most_packed_bytes;
}

}  // namespace

Items::Items(std::size_t sources) : order_(sources), ends_(sources) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::iota(ends_.begin(), ends_.end(), std::size_t{1});
}

Items Items::packed(const SourceList& list) {
  const auto& sources = list.sources;
  if (std::count_if(sources.begin(), sources.end(), is_packed) < static_cast<std::ptrdiff_t>(fewest_packed))
    return Items(sources.size());
  std::vector<std::vector<std::size_t>> items;
  std::optional<std::size_t> open;  // the pack that is being filled
  std::uint64_t bytes = 0;          // in it
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!is_packed(sources[i])) {
      items.push_back({i});
      continue;
    }
    const std::uint64_t size = *sources[i].size;
    if (!open || items[*open].size() == most_of_pack || seal::sealed_size(bytes + size) > wire::most_small_bytes) {
      open = items.size();
      items.emplace_back();
      bytes = 0;
    }
    items[*open].push_back(i);
    bytes += size;
  }
  Items out(0);
  out.order_.reserve(sources.size());
  for (const auto& item : items) {
    out.order_.insert(out.order_.end(), item.begin(), item.end());
    out.ends_.push_back(out.order_.size());
  }
  return out;
}

std::span<const std::size_t> Items::sources(std::size_t item) const {
  const std::size_t begin = item == 0 ? 0 : ends_[item - 1];
  return std::span(order_).subspan(begin, ends_[item] - begin);
}

}  // namespace qrx::send
