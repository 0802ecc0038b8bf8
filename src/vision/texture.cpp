#include "vision/texture.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>

namespace qrx::vision {
namespace {

constexpr int looked_at = 1600;  // pixels a side: modules of 2.5 pixels in one of 4000 are one here
constexpr int window = 33;       // of these, whose edges are counted together
constexpr int reach = 64;        // of these, from the middle of a part to its sides

// The mean over the window of how much neighbours differ.
cv::Mat edges(const cv::Mat& gray, cv::Point step) {
  const cv::Rect all(0, 0, gray.cols - step.x, gray.rows - step.y);
  cv::Mat out = cv::Mat::zeros(gray.size(), CV_8U), mean;
  cv::absdiff(gray(all), gray(all + step), out(all));
  cv::blur(out, mean, cv::Size(window, window));
  return mean;
}

}  // namespace

std::vector<cv::Rect> patterned_parts(const cv::Mat& gray, std::size_t most) {
  const int longest = std::max(gray.cols, gray.rows);
  const double scale = std::min(1.0, static_cast<double>(looked_at) / longest);
  cv::Mat small = gray;
  if (scale < 1) cv::resize(gray, small, cv::Size(), scale, scale, cv::INTER_AREA);
  if (std::min(small.cols, small.rows) < 2 * window) return {};
  cv::Mat edged, across, down;
  across = edges(small, {1, 0});
  down = edges(small, {0, 1});
  // The lesser of both: text and stripes have edges in one direction.
  cv::min(across, down, edged);
  // Where it is dark edges are weak, too: what counts is how they compare to the light around.
  cv::Mat light, score;
  cv::blur(small, light, cv::Size(window, window));
  edged.convertTo(edged, CV_32F);
  // Plus 16, so that darkness is not divided by.
  light.convertTo(light, CV_32F, 1, 16);
  cv::divide(edged, light, score);
  std::vector<cv::Rect> out;
  while (out.size() < most) {
    double best = 0;
    cv::Point at;
    cv::minMaxLoc(score, nullptr, &best, nullptr, &at);
    if (best < 0.02) break;
    // Half of a part: two codes side by side are both found.
    cv::circle(score, at, reach / 2, cv::Scalar(0), cv::FILLED);
    const cv::Rect part(cvFloor((at.x - reach) / scale), cvFloor((at.y - reach) / scale), cvCeil(2 * reach / scale),
                        cvCeil(2 * reach / scale));
    out.push_back(part & cv::Rect(0, 0, gray.cols, gray.rows));
  }
  return out;
}

}  // namespace qrx::vision
