#include "vision/deblur.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <opencv2/imgproc.hpp>

namespace qrx::vision {
namespace {

constexpr double least_share = 0.7;  // of the weak direction's edges, below which it is taken for a smear
constexpr float noise = 0.012F;      // as a share of the signal: more, and the result is soft; less, and it rings

// Wiener's filter for a line, whose transform is a sinc along its direction: real, so that nothing moves. By steps of
// t.
constexpr int steps = 64;  // for each of pi
const std::vector<float>& wiener() {
  static const std::vector<float> filter = [] {
    std::vector<float> out(16 * steps);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float t = static_cast<float>(CV_PI) * (static_cast<float>(i) + 0.5F) / steps;
      const float h = std::sin(t) / t;
      out[i] = h / (h * h + noise);
    }
    return out;
  }();
  return filter;
}

}  // namespace

// The structure tensor, over the whole picture (Bigün and Granlund 1987): its eigenvalues say how many edges lie along
// the weakest and the strongest direction.
std::optional<double> smear_direction(const cv::Mat& gray) {
  cv::Mat soft, across, down;
  cv::GaussianBlur(gray, soft, cv::Size(), 1);
  cv::Sobel(soft, across, CV_32F, 1, 0);
  cv::Sobel(soft, down, CV_32F, 0, 1);
  const double xx = across.dot(across), yy = down.dot(down), xy = across.dot(down);
  const double middle = (xx + yy) / 2, spread = std::hypot((xx - yy) / 2, xy);
  if (middle <= 0 || middle - spread > least_share * (middle + spread)) return std::nullopt;
  // The angle of the strongest edges' normal; the smear is across it.
  return std::atan2(2 * xy, xx - yy) / 2 + CV_PI / 2;
}

// Unsharp masking
cv::Mat sharpened(const cv::Mat& gray) {
  cv::Mat soft, out;
  cv::GaussianBlur(gray, soft, cv::Size(), 3);
  cv::addWeighted(gray, 3, soft, -2, 0, out);
  return out;
}

// Room for smears to run out into, and sides that the transform is fast at.
Unsmear::Unsmear(const cv::Mat& gray)
    : size_(gray.size()), padded_(cv::getOptimalDFTSize(gray.cols + 32), cv::getOptimalDFTSize(gray.rows + 32)) {
  cv::Mat wide;
  // The Fourier transform goes round: what stands at an edge must not ring at the other.
  cv::copyMakeBorder(gray, wide, 0, padded_.height - gray.rows, 0, padded_.width - gray.cols, cv::BORDER_REFLECT);
  wide.convertTo(wide, CV_32F);
  cv::dft(wide, spectrum_, cv::DFT_COMPLEX_OUTPUT);
}

cv::Mat Unsmear::operator()(double pixels, double direction) const {
  // Each frequency is multiplied by the filter at its component along the smear: all others were not blurred.
  const auto& filter = wiener();
  const auto along_x = static_cast<float>(steps * pixels * std::cos(direction) / padded_.width);
  const auto along_y = static_cast<float>(steps * pixels * std::sin(direction) / padded_.height);
  const auto last = static_cast<int>(filter.size()) - 1;
  cv::Mat out = spectrum_.clone();
  for (int v = 0; v < out.rows; ++v) {
    auto* row = out.ptr<cv::Vec2f>(v);
    const float vertical = along_y * static_cast<float>(v <= out.rows / 2 ? v : v - out.rows);
    for (int u = 0; u < out.cols; ++u) {
      const float at = std::abs(vertical + along_x * static_cast<float>(u <= out.cols / 2 ? u : u - out.cols));
      row[u] *= filter[static_cast<std::size_t>(std::min(static_cast<int>(at), last))];
    }
  }
  cv::Mat sharp, bytes;
  cv::idft(out, sharp, cv::DFT_REAL_OUTPUT | cv::DFT_SCALE);
  sharp(cv::Rect(cv::Point(), size_)).convertTo(bytes, CV_8U);
  return bytes;
}

}  // namespace qrx::vision
