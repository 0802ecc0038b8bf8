#include "vision/codewords.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "vision/reed_solomon.h"
#include "vision/symbol_modules.h"

namespace qrx::vision {
namespace {

// Check symbols that must be left over: with four of them and a hundred tries a picture, noise passes once in 10^7.
constexpr std::size_t spare_symbols = 4;

// ISO/IEC 18004, table 9 (check symbols of a block, number of blocks), by level (L, M, Q, H) and version.
constexpr std::uint8_t check_symbols[4][40] = {
    {7,  10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
     28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
    {10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
     26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28},
    {13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30,
     28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
    {17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28,
     30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30}};
constexpr std::uint8_t block_counts[4][40] = {
    {1, 1, 1, 1,  1,  2,  2,  2,  2,  4,  4,  4,  4,  4,  6,  6,  6,  6,  7,  8,
     8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25},
    {1,  1,  1,  2,  2,  4,  4,  4,  5,  5,  5,  8,  9,  9,  10, 10, 11, 13, 14, 16,
     17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49},
    {1,  1,  2,  2,  4,  4,  6,  6,  8,  8,  8,  10, 12, 16, 12, 17, 16, 18, 21, 20,
     23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68},
    {1,  1,  2,  4,  4,  4,  5,  6,  8,  8,  11, 11, 16, 16, 18, 16, 19, 21, 25, 25,
     25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81}};
// Table 12: L is 01, M 00, Q 11, H 10.
constexpr unsigned level_bits[4] = {1, 0, 3, 2};

// The remainder of a BCH code appended to its value (ISO/IEC 18004, annexes C and D).
unsigned with_remainder(unsigned value, unsigned generator, int degree) {
  unsigned rest = value << degree;
  for (int bit = 31; bit >= degree; --bit)
    if (rest >> bit & 1) rest ^= generator << (bit - degree);
  return value << degree | rest;
}

// BCH(15, 5): any two words differ in 7 bits at least. The mask 0x5412 keeps a word from being all zero.
unsigned format_word(int level, int mask) {
  return with_remainder(level_bits[level] << 3 | static_cast<unsigned>(mask), 0x537, 10) ^ 0x5412;
}

// Where bit i of the format lies, in its first and second copy.
cv::Point format_place(int bit, int copy, int side) {
  if (copy == 0) {
    if (bit < 6) return {8, bit};
    if (bit < 8) return {8, bit + 1};
    return bit == 8 ? cv::Point(7, 8) : cv::Point(14 - bit, 8);
  }
  return bit < 8 ? cv::Point(side - 1 - bit, 8) : cv::Point(8, side - 15 + bit);
}

bool is_dark(const cv::Mat& modules, const cv::Point& place) {
  return modules.at<std::uint8_t>(place) == 0;
}
void set_dark(cv::Mat& modules, const cv::Point& place, bool dark) {
  modules.at<std::uint8_t>(place) = dark ? 0 : 255;
}

struct Format {
  int level = 0;
  int mask = 0;
};

// The format nearest to both copies; nothing when it is too far.
std::optional<Format> read_format(const cv::Mat& modules) {
  Format best;
  int least = 30;
  for (int level = 0; level < 4; ++level) {
    for (int mask = 0; mask < 8; ++mask) {
      const unsigned word = format_word(level, mask);
      int distance[2] = {0, 0};
      for (int copy = 0; copy < 2; ++copy)
        for (int bit = 0; bit < 15; ++bit)
          distance[copy] += is_dark(modules, format_place(bit, copy, modules.rows)) != ((word >> bit & 1) != 0);
      // One copy alone has to fit better by two bits: the other may be under glare, but it may also be right.
      const int both = std::min({distance[0] + 2, distance[1] + 2, (distance[0] + distance[1]) / 2});
      if (both >= least) continue;
      least = both;
      best = {level, mask};
    }
  }
  // Half of the distance between two words, and one more: what is wrong then does not survive the check symbols.
  return least <= 4 ? std::optional(best) : std::nullopt;
}

// Table 10; there i is the row, j the column.
bool is_masked(int mask, int x, int y) {
  switch (mask) {
    case 0:
      return (x + y) % 2 == 0;
    case 1:
      return y % 2 == 0;
    case 2:
      return x % 3 == 0;
    case 3:
      return (x + y) % 3 == 0;
    case 4:
      return (x / 3 + y / 2) % 2 == 0;
    case 5:
      return x * y % 2 + x * y % 3 == 0;
    case 6:
      return (x * y % 2 + x * y % 3) % 2 == 0;
    default:
      return ((x + y) % 2 + x * y % 3) % 2 == 0;
  }
}

// The modules that carry data, in the order of their bits.
std::vector<cv::Point> data_places(int side) {
  cv::Mat used(side, side, CV_8U, cv::Scalar(127));
  draw_function_patterns(used);
  for (int copy = 0; copy < 2; ++copy)
    for (int bit = 0; bit < 15; ++bit) used.at<std::uint8_t>(format_place(bit, copy, side)) = 0;
  // The one module that is always dark.
  used.at<std::uint8_t>(side - 8, 8) = 0;
  // From version 7 on: two blocks of version bits.
  if (side >= 45) {
    used(cv::Rect(side - 11, 0, 3, 6)).setTo(0);
    used(cv::Rect(0, side - 11, 6, 3)).setTo(0);
  }
  std::vector<cv::Point> out;
  bool up = true;
  // In pairs of columns, from the right, up and down in turn (figure 19).
  for (int right = side - 1; right > 0; right -= 2, up = !up) {
    if (right == 6) right = 5;  // the column of the timing pattern
    for (int i = 0; i < side; ++i)
      for (const int x : {right, right - 1})
        if (const int y = up ? side - 1 - i : i; used.at<std::uint8_t>(y, x) == 127) out.emplace_back(x, y);
  }
  return out;
}

struct Block {
  std::vector<std::size_t> codewords;  // their places in the stream
  std::size_t check = 0;
};

// How the stream's codewords are dealt out to blocks.
std::vector<Block> blocks_of(std::size_t total, int version, int level) {
  const std::size_t count = block_counts[level][version - 1], check = check_symbols[level][version - 1];
  // The first blocks may have one data codeword less than the others.
  const std::size_t shorter = count - total % count, least = total / count - check;
  std::vector<Block> blocks(count);
  std::size_t next = 0;
  // Dealt out in turn: data codewords first, then the check symbols, so that damage in one place is spread over all
  // blocks.
  for (std::size_t i = 0; i <= least; ++i)
    for (std::size_t block = i == least ? shorter : 0; block < count; ++block)
      blocks[block].codewords.push_back(next++);
  for (std::size_t i = 0; i < check; ++i)
    for (Block& block : blocks) block.codewords.push_back(next++);
  for (Block& block : blocks) block.check = check;
  return blocks;
}

// Erases the least certain codewords, two more at a time, until the block is right.
bool correct(std::vector<std::uint8_t>& stream, const std::vector<float>& certainty, const Block& block,
             std::size_t least_proof) {
  const std::size_t size = block.codewords.size();
  std::vector<std::uint8_t> bytes(size);
  std::ranges::transform(block.codewords, bytes.begin(), [&](std::size_t place) { return stream[place]; });
  std::vector<std::size_t> doubtful(size);
  std::iota(doubtful.begin(), doubtful.end(), std::size_t{0});
  std::ranges::sort(doubtful, {}, [&](std::size_t i) { return certainty[block.codewords[i]]; });
  // Small symbols have few check symbols: a quarter of them is the least proof that is asked for.
  const std::size_t spare = std::max(least_proof, std::min(spare_symbols, block.check / 4));
  for (std::size_t erased = 0; erased + spare <= block.check; erased += 2) {
    if (!correct_block(bytes, block.check, std::span(doubtful).first(erased), spare)) continue;
    for (std::size_t i = 0; i < size; ++i) stream[block.codewords[i]] = bytes[i];
    return true;
  }
  return false;
}

void draw_format(cv::Mat& modules, const Format& format) {
  const int side = modules.rows;
  const unsigned word = format_word(format.level, format.mask);
  for (int copy = 0; copy < 2; ++copy)
    for (int bit = 0; bit < 15; ++bit) set_dark(modules, format_place(bit, copy, side), (word >> bit & 1) != 0);
  set_dark(modules, {8, side - 8}, true);
  if (side < 45) return;
  // BCH(18, 6)
  const unsigned version = with_remainder(static_cast<unsigned>(side - 17) / 4, 0x1F25, 12);
  for (int bit = 0; bit < 18; ++bit) {
    const bool dark = (version >> bit & 1) != 0;
    set_dark(modules, {side - 11 + bit % 3, bit / 3}, dark);
    set_dark(modules, {bit / 3, side - 11 + bit % 3}, dark);
  }
}

}  // namespace

bool repair_symbol(cv::Mat& modules, const cv::Mat_<float>& certainty, std::size_t least_proof) {
  const auto format = read_format(modules);
  if (!format) return false;
  const auto places = data_places(modules.rows);
  const std::size_t total = places.size() / 8;
  std::vector<std::uint8_t> stream(total);
  // A codeword is as sure as its least certain module.
  std::vector<float> sure(total, 1e9F);
  for (std::size_t i = 0; i < 8 * total; ++i) {
    const bool bit = is_dark(modules, places[i]) != is_masked(format->mask, places[i].x, places[i].y);
    stream[i / 8] = static_cast<std::uint8_t>(stream[i / 8] << 1 | (bit ? 1 : 0));
    sure[i / 8] = std::min(sure[i / 8], certainty(places[i]));
  }
  for (const Block& block : blocks_of(total, (modules.rows - 17) / 4, format->level))
    if (!correct(stream, sure, block, least_proof)) return false;
  for (std::size_t i = 0; i < 8 * total; ++i) {
    const bool bit = (stream[i / 8] >> (7 - i % 8) & 1) != 0;
    set_dark(modules, places[i], bit != is_masked(format->mask, places[i].x, places[i].y));
  }
  draw_function_patterns(modules);
  draw_format(modules, *format);
  return true;
}

cv::Mat_<float> certainty_of(const cv::Mat& samples) {
  cv::Mat low, high;
  const cv::Mat window = cv::Mat::ones(7, 7, CV_8U);
  cv::erode(samples, low, window);
  cv::dilate(samples, high, window);
  double darkest = 0, lightest = 0;
  cv::minMaxLoc(samples, &darkest, &lightest);
  // In a window that is all light or all dark, noise would look like contrast: so no less than half of the whole one
  // counts.
  const auto usual = static_cast<float>(std::max(10.0, (lightest - darkest) / 2));
  cv::Mat_<float> out(samples.size());
  for (int y = 0; y < samples.rows; ++y) {
    for (int x = 0; x < samples.cols; ++x) {
      const float below = low.at<std::uint8_t>(y, x), above = high.at<std::uint8_t>(y, x);
      out(y, x) = std::abs(static_cast<float>(samples.at<std::uint8_t>(y, x)) - (below + above) / 2) /
                  std::max(above - below, usual);
    }
  }
  return out;
}

}  // namespace qrx::vision
