#include "vision/surface.h"

#include <algorithm>

#include <opencv2/core.hpp>

namespace qrx::vision {
namespace {

constexpr int node_step = 4;  // modules, about

}  // namespace

Surface::Surface(int side, double unit) : side_(side), unit_(unit), nodes_(side / node_step + 2) {}

// The homography that carries the anchors' modules to their pixels: the direct linear transform with h33 = 1, by
// weighted least squares on normalised coordinates (Hartley 1997).
bool Surface::lay(const std::vector<Anchor>& anchors) {
  cv::Matx<double, 8, 8> left = cv::Matx<double, 8, 8>::zeros();
  cv::Vec<double, 8> right, solution;
  for (const Anchor& anchor : anchors) {
    const double x = anchor.module.x / side_, y = anchor.module.y / side_;
    const double u = anchor.pixel.x / unit_, v = anchor.pixel.y / unit_, weight = anchor.weight * anchor.weight;
    const cv::Vec<double, 8> across(x, y, 1, 0, 0, 0, -u * x, -u * y);
    const cv::Vec<double, 8> down(0, 0, 0, x, y, 1, -v * x, -v * y);
    left += weight * (across * across.t() + down * down.t());
    right += weight * (u * across + v * down);
  }
  // Positive definite but for anchors on one line.
  if (!cv::solve(left, right, solution, cv::DECOMP_CHOLESKY)) return false;
  const cv::Matx33d normal(solution(0), solution(1), solution(2), solution(3), solution(4), solution(5), solution(6),
                           solution(7), 1);
  const cv::Matx33d into(1.0 / side_, 0, 0, 0, 1.0 / side_, 0, 0, 0, 1);
  const cv::Matx33d out(unit_, 0, 0, 0, unit_, 0, 0, 0, 1);
  const cv::Matx33d plane = out * normal * into;
  // The plane's horizon must not cut the symbol.
  for (const double x : {0.0, static_cast<double>(side_)})
    for (const double y : {0.0, static_cast<double>(side_)})
      if (plane(2, 0) * x + plane(2, 1) * y + plane(2, 2) < 0.05) return false;
  plane_ = plane;
  return true;
}

cv::Point2d Surface::shift_at(double x, double y) const {
  // Bilinear between the four nodes around.
  const double u = std::clamp(x / side_ * (nodes_ - 1), 0.0, nodes_ - 1.001);
  const double v = std::clamp(y / side_ * (nodes_ - 1), 0.0, nodes_ - 1.001);
  const int i = static_cast<int>(u), j = static_cast<int>(v);
  const double s = u - i, t = v - j;
  const auto node = [&](int column, int row) { return shifts_[static_cast<std::size_t>(row * nodes_ + column)]; };
  return (node(i, j) * (1 - s) + node(i + 1, j) * s) * (1 - t) +
         (node(i, j + 1) * (1 - s) + node(i + 1, j + 1) * s) * t;
}

double Surface::spacing() const {
  return static_cast<double>(side_) / (nodes_ - 1);
}

void Surface::bend(const std::function<cv::Point2d(double x, double y)>& further) {
  shifts_.resize(static_cast<std::size_t>(nodes_ * nodes_));
  for (int node = 0; node < nodes_ * nodes_; ++node)
    shifts_[static_cast<std::size_t>(node)] += further(node % nodes_ * spacing(), node / nodes_ * spacing());
}

Surface::Shifts Surface::shifts() const {
  Shifts out = shifts_;
  out.resize(static_cast<std::size_t>(nodes_ * nodes_));
  return out;
}

}  // namespace qrx::vision
