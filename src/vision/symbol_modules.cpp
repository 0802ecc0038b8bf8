#include "vision/symbol_modules.h"

#include <opencv2/imgproc.hpp>

namespace qrx::vision {

std::vector<int> alignment_centres(int side) {
  const int version = (side - 17) / 4;
  if (version < 2) return {};
  // Annex E: the first at 6, the last at side - 7, the steps between them even and equal but for the first. Version 32
  // is the exception.
  const int count = version / 7 + 2;
  const int step = version == 32 ? 26 : (side - 13 + 2 * count - 3) / (2 * count - 2) * 2;
  std::vector<int> out(static_cast<std::size_t>(count), 6);
  for (int i = count - 1, at = side - 7; i > 0; --i, at -= step) out[static_cast<std::size_t>(i)] = at;
  return out;
}

cv::Mat_<schar> known_modules(int side) {
  cv::Mat light(side, side, CV_8U, cv::Scalar(127));
  draw_function_patterns(light);
  cv::Mat_<schar> out(side + 2, side + 2, schar{1});
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int value = light.at<std::uint8_t>(y, x);
      out(y + 1, x + 1) = static_cast<schar>(value == 127 ? 0 : value == 0 ? -1 : 1);
    }
  }
  return out;
}

void draw_function_patterns(cv::Mat& modules) {
  const int side = modules.rows;
  const auto square = [&](int x, int y, int size, int value) {
    const cv::Rect whole(0, 0, side, side);
    modules(cv::Rect(x, y, size, size) & whole).setTo(value);
  };
  // Timing: dark on even modules.
  for (int i = 8; i < side - 8; ++i)
    modules.at<std::uint8_t>(6, i) = modules.at<std::uint8_t>(i, 6) = i % 2 == 0 ? 0 : 255;
  const int far = side - 7;
  const int finders[3][2] = {{0, 0}, {far, 0}, {0, far}};
  for (const auto& [x, y] : finders) {
    square(x - 1, y - 1, 9, 255);
    square(x, y, 7, 0);
    square(x + 1, y + 1, 5, 255);
    square(x + 2, y + 2, 3, 0);
  }
  const auto centres = alignment_centres(side);
  for (const int y : centres) {
    for (const int x : centres) {
      if ((x == 6 && y == 6) || (x == 6 && y == centres.back()) || (y == 6 && x == centres.back())) continue;
      square(x - 2, y - 2, 5, 0);
      square(x - 1, y - 1, 3, 255);
      square(x, y, 1, 0);
    }
  }
}

// The mean around (9 and 5 modules), Otsu's threshold (1979) for the whole, and half way between the darkest and the
// lightest around.
std::vector<cv::Mat> thresholded(const cv::Mat& samples) {
  std::vector<cv::Mat> out(4);
  const auto by_mean = [&](cv::Mat& target, int window) {
    cv::Mat mean;
    cv::blur(samples, mean, cv::Size(window, window), cv::Point(-1, -1), cv::BORDER_REFLECT);
    cv::compare(samples, mean, target, cv::CMP_GT);
  };
  by_mean(out[0], 9);
  cv::threshold(samples, out[1], 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
  by_mean(out[2], 5);
  cv::Mat low, high, middle;
  const cv::Mat window = cv::Mat::ones(7, 7, CV_8U);
  cv::erode(samples, low, window);
  cv::dilate(samples, high, window);
  cv::addWeighted(low, 0.5, high, 0.5, 0, middle);
  cv::compare(samples, middle, out[3], cv::CMP_GT);
  return out;
}

cv::Mat drawn(const cv::Mat& modules) {
  cv::Mat wide, out;
  cv::resize(modules, wide, cv::Size(), 3, 3, cv::INTER_NEAREST);
  // Four modules of quiet zone, of three pixels each.
  cv::copyMakeBorder(wide, out, 12, 12, 12, 12, cv::BORDER_CONSTANT, cv::Scalar(255));
  return out;
}

}  // namespace qrx::vision
