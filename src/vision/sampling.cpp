#include "vision/sampling.h"

#include <algorithm>

namespace qrx::vision {

double alternation(const std::vector<double>& line) {
  int right = 0;
  for (std::size_t i = 1; i + 1 < line.size(); ++i) {
    const std::size_t from = i < 4 ? 0 : i - 4, to = std::min(line.size(), i + 5);
    double mean = 0;
    for (std::size_t j = from; j < to; ++j) mean += line[j];
    const bool dark = line[i] < mean / static_cast<double>(to - from);
    if (dark == (i % 2 == 1)) ++right;
  }
  return line.size() > 2 ? right / static_cast<double>(line.size() - 2) : 0;
}

}  // namespace qrx::vision
