#include "s3/live_blob.h"

#include <algorithm>

namespace qrx::s3 {

std::optional<LiveBlob::Place> LiveBlob::find(std::uint64_t offset) const {
  Place place;
  if (offset >= end()) return std::nullopt;
  if (offset >= tail_first) {
    place.file = tail;
    place.file_at = offset - tail_first;
    place.left = tail_size - place.file_at;
    return place;
  }
  const auto after = std::upper_bound(segments.begin(), segments.end(), offset,
                                      [](std::uint64_t at, const auto& one) { return at < one->extent.first; });
  if (after == segments.begin()) return std::nullopt;
  const Segment& segment = **std::prev(after);
  const std::uint64_t within = offset - segment.extent.first;
  if (within >= segment.extent.size) return std::nullopt;
  place.left = segment.extent.size - within;
  place.extent = segment.extent;
  place.within = within;
  if (segment.file != nullptr) {
    place.file = segment.file;
    place.file_at = segment.file_at + within;
  }
  return place;
}

void LiveBlob::reset_to(const space::Extents& extents) {
  segments.clear();
  tail.reset();
  tail_first = tail_size = 0;
  beginning.clear();
  loaded = true;
  for (const space::Extent& extent : extents) {
    if (extent.first != tail_first) break;  // a gap: what is behind it is no part of the blob
    auto segment = std::make_shared<Segment>();
    segment->extent = extent;
    segment->stored = segment->given = true;
    tail_first += extent.size;
    segments.push_back(std::move(segment));
  }
}

}  // namespace qrx::s3
