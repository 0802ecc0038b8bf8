#include "vision/follow_surface.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "vision/symbol_modules.h"

namespace qrx::vision {
namespace {

// The mean shift of the nodes around that have one; the node's own counts where it has one.
cv::Point2d neighbours_mean(const std::vector<cv::Point2d>& shifts, const std::vector<bool>& done, int nodes,
                            int node) {
  cv::Point2d sum;
  double weight = 0;
  const int column = node % nodes, row = node / nodes;
  for (int y = std::max(0, row - 1); y <= std::min(nodes - 1, row + 1); ++y) {
    for (int x = std::max(0, column - 1); x <= std::min(nodes - 1, column + 1); ++x) {
      const auto i = static_cast<std::size_t>(y * nodes + x);
      if (!done[i]) continue;
      const double near = x == column || y == row ? 2 : 1;
      sum += shifts[i] * near;
      weight += near;
    }
  }
  return weight > 0 ? sum / weight : sum;
}

// start and the answer are in pixels of the flat symbol.
cv::Point2d best_shift(const FlatSymbol& symbol, const cv::Mat_<schar>& known, const cv::Point& module,
                       const cv::Point2d& start, int reach) {
  const cv::Mat& flat = symbol.gray;
  const int fine = symbol.module_pixels, border = symbol.border;
  constexpr int window = 3;  // modules to each side
  const int side = known.rows - 2;
  cv::Point2d best = start;
  double best_score = -1e18;
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const int shift_x = static_cast<int>(std::lround(start.x)) + dx,
                shift_y = static_cast<int>(std::lround(start.y)) + dy;
      int samples[(2 * window + 1) * (2 * window + 1)];
      int signs[(2 * window + 1) * (2 * window + 1)];
      int count = 0, sum = 0;
      for (int y = std::max(-1, module.y - window); y <= std::min(side, module.y + window); ++y) {
        for (int x = std::max(-1, module.x - window); x <= std::min(side, module.x + window); ++x) {
          const int u = std::clamp((x + border) * fine + fine / 2 + shift_x, 0, flat.cols - 1);
          const int v = std::clamp((y + border) * fine + fine / 2 + shift_y, 0, flat.rows - 1);
          samples[count] = flat.at<std::uint8_t>(v, u);
          signs[count] = known(y + 1, x + 1);
          sum += samples[count++];
        }
      }
      const double mean = static_cast<double>(sum) / count;
      // A small price for each move, so that noise does not carry a node away.
      double score = -0.02 * count * std::hypot(dx, dy);
      for (int i = 0; i < count; ++i) score += signs[i] ? signs[i] * (samples[i] - mean) : std::abs(samples[i] - mean);
      if (score <= best_score) continue;
      best_score = score;
      best = cv::Point2d(shift_x, shift_y);
    }
  }
  return best;
}

}  // namespace

Surface::Shifts followed(const FlatSymbol& flat, int side, const Surface& surface) {
  const cv::Mat_<schar> known = known_modules(side);
  const int nodes = surface.nodes(), fine = flat.module_pixels;
  const Surface::Shifts first = surface.shifts();
  const double spacing = surface.spacing();

  std::vector<int> order(first.size());
  std::iota(order.begin(), order.end(), 0);
  const auto from_finders = [&](int node) {
    const double x = node % nodes * spacing, y = node / nodes * spacing, far = side - 3.5;
    return std::min({std::hypot(x - 3.5, y - 3.5), std::hypot(x - far, y - 3.5), std::hypot(x - 3.5, y - far)});
  };
  std::ranges::sort(order, {}, from_finders);

  // What is followed is the difference to the first guess, which bends already.
  std::vector<cv::Point2d> moves(first.size());
  // First outward from the finders in large moves, then all at once in small ones, each from its neighbours' mean.
  for (const int reach : {4, 2}) {
    const std::vector<cv::Point2d> before = moves;
    std::vector<bool> done(moves.size(), reach == 2);
    for (const int node : order) {
      const auto i = static_cast<std::size_t>(node);
      const cv::Point2d start = first[i] + neighbours_mean(reach == 2 ? before : moves, done, nodes, node);
      const cv::Point module(static_cast<int>(node % nodes * spacing), static_cast<int>(node / nodes * spacing));
      moves[i] = best_shift(flat, known, module, start * fine, reach) / fine - first[i];
      done[i] = true;
    }
  }
  for (std::size_t i = 0; i < moves.size(); ++i) moves[i] += first[i];
  return moves;
}

}  // namespace qrx::vision
