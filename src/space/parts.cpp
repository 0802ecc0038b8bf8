#include "space/parts.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace qrx::space {

// The index of the piece that begins there, which is made if need be; the number of pieces for the end.
std::size_t Parts::split_at(std::uint64_t offset) {
  if (offset >= size_) return pieces_.size();
  const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                      [](std::uint64_t at, const Piece& piece) { return at < piece.begin; });
  const auto holding = after - 1;
  const auto index = static_cast<std::size_t>(after - pieces_.begin());
  if (holding->begin == offset) return index - 1;
  pieces_.insert(after, Piece{offset, holding->times});
  return index;
}

template <class Change>
void Parts::change(std::uint64_t first, std::uint64_t bytes, Change&& change) {
  first = std::min(first, size_);
  bytes = std::min(bytes, size_ - first);
  if (bytes == 0) return;
  const std::size_t from = split_at(first);
  const std::size_t until = split_at(first + bytes);
  for (std::size_t at = from; at < until; ++at) change(pieces_[at].times);
  const auto same = [](const Piece& a, const Piece& b) { return a.times == b.times; };
  // Neighbours that are alike again become one: a file that was taken as a whole is one piece, however it came.
  pieces_.erase(std::unique(pieces_.begin(), pieces_.end(), same), pieces_.end());
}

void Parts::add(std::uint64_t first, std::uint64_t bytes) {
  change(first, bytes, [](std::uint32_t& times) {
    // Four thousand million downloads of one link are as good as more.
    if (times < std::numeric_limits<std::uint32_t>::max()) ++times;
  });
}

void Parts::take_back(std::uint64_t first, std::uint64_t bytes) {
  change(first, bytes, [](std::uint32_t& times) {
    if (times > 0) --times;
  });
}

std::uint64_t Parts::least() const {
  return std::min_element(pieces_.begin(), pieces_.end(),
                          [](const Piece& a, const Piece& b) { return a.times < b.times; })
      ->times;
}

void Parts::flatten() {
  pieces_.assign(1, Piece{0, static_cast<std::uint32_t>(least())});
}

// Bytes sent in all: what a limited link may cost its owner is bounded by it (downloads.cpp, admit).
std::uint64_t Parts::sum() const {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < pieces_.size(); ++at) {
    const std::uint64_t end = at + 1 < pieces_.size() ? pieces_[at + 1].begin : size_;
    sum += (end - pieces_[at].begin) * pieces_[at].times;
  }
  return sum;
}

std::uint64_t Parts::most(std::uint64_t first, std::uint64_t bytes) const {
  std::uint64_t most = 0;
  for (std::size_t at = 0; at < pieces_.size() && pieces_[at].begin < first + bytes; ++at) {
    const std::uint64_t end = at + 1 < pieces_.size() ? pieces_[at + 1].begin : size_;
    if (end > first) most = std::max<std::uint64_t>(most, pieces_[at].times);
  }
  return most;
}

// "0:2 1048576:1 ": where a piece begins, how often it was taken. Kept in the catalog.
std::string Parts::text() const {
  std::string out;
  for (const Piece& piece : pieces_) out += std::to_string(piece.begin) + ':' + std::to_string(piece.times) + ' ';
  return out;
}

// A text that is damaged gives nothing taken: a recipient may download once more rather than never again.
Parts Parts::parse(std::string_view text, std::uint64_t size) {
  Parts parts(size);
  std::vector<Piece> pieces;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    Piece piece{};
    auto read = std::from_chars(at, end, piece.begin);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != ':') return parts;
    read = std::from_chars(read.ptr + 1, end, piece.times);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != ' ') return parts;
    at = read.ptr + 1;
    if (pieces.empty() ? piece.begin != 0 : piece.begin <= pieces.back().begin || piece.begin >= parts.size_)
      return parts;
    pieces.push_back(piece);
  }
  if (!pieces.empty()) parts.pieces_ = std::move(pieces);
  return parts;
}

}  // namespace qrx::space
