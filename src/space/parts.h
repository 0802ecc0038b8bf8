// How often each byte of a file was taken: ranges come in any order, overlap, repeat, and count once the last gap is
// closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qrx::space {

class Parts {
 public:
  // `size` of the file; an empty one counts as one byte, so that taking it shows.
  explicit Parts(std::uint64_t size) : size_(size == 0 ? 1 : size), pieces_(1, Piece{0, 0}) {}

  void add(std::uint64_t first, std::uint64_t bytes);  // cut to the file's size
  void add_whole() { add(0, size_); }
  void take_back(std::uint64_t first, std::uint64_t bytes);            // what add() was told too early
  std::uint64_t least() const;                                         // how often the whole file was taken
  std::uint64_t sum() const;                                           // of bytes, each as often as it was taken
  std::uint64_t most(std::uint64_t first, std::uint64_t bytes) const;  // how often the most taken of these was
  std::size_t pieces() const { return pieces_.size(); }
  void flatten();  // forgets what is not whole

  std::string text() const;
  static Parts parse(std::string_view text, std::uint64_t size);  // nothing known for a text that it did not write

 private:
  struct Piece {
    std::uint64_t begin;  // to the begin of the next, or to the end
    std::uint32_t times;
  };
  std::size_t split_at(std::uint64_t offset);
  template <class Change>
  void change(std::uint64_t first, std::uint64_t bytes, Change&& change);

  std::uint64_t size_;
  std::vector<Piece> pieces_;  // by begin, the first at 0, neighbours differ
};

}  // namespace qrx::space
