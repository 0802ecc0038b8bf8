#include "vision/planes.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>

#include "vision/alpha_ground.h"
#include "vision/gray.h"

namespace qrx::vision {
namespace {

constexpr double least_colour = 12;    // of 255, between the lightest and the darkest channel, that is one at all
constexpr double least_share = 0.005;  // of the picture that must have a colour

// Red, green and blue on the ground that gray pictures get.
cv::Mat opaque(const ColourPicture& picture) {
  const cv::Mat rgba(picture.height, picture.width, CV_8UC4, const_cast<std::uint8_t*>(picture.rgba.data()));
  AlphaGround alpha;
  bool transparent = false;
  for (std::size_t i = 0; i < picture.rgba.size(); i += 4) {
    const std::uint8_t* pixel = picture.rgba.data() + i;
    const std::uint8_t pair[2] = {luma(pixel[0], pixel[1], pixel[2]), pixel[3]};
    transparent = transparent || pixel[3] != 255;
    alpha.see(pair, 1);
  }
  cv::Mat out(rgba.size(), CV_8UC3);
  const std::uint8_t ground = alpha.ground();
  const std::uint8_t* from = rgba.data;
  std::uint8_t* to = out.data;
  for (std::size_t i = 0; i < rgba.total(); ++i, from += 4, to += 3)
    for (int c = 0; c < 3; ++c) to[c] = transparent ? AlphaGround::mix(from[c], from[3], ground) : from[c];
  return out;
}

}  // namespace

std::optional<Planes> planes_of(const ColourPicture& picture, int side) {
  cv::Mat rgb = opaque(picture);
  const int longest = std::max(rgb.cols, rgb.rows);
  if (longest > side) {
    const double scale = static_cast<double>(side) / longest;
    const cv::Size size(std::max(1, cvRound(rgb.cols * scale)), std::max(1, cvRound(rgb.rows * scale)));
    cv::Mat smaller;
    cv::resize(rgb, smaller, size, 0, 0, cv::INTER_AREA);
    rgb = smaller;
  }
  cv::Mat channels[3];
  cv::split(rgb, channels);
  Planes out{{}, {}, {}, channels[0], channels[1], channels[2]};
  cv::min(out.red, out.green, out.darkest);
  cv::min(out.darkest, out.blue, out.darkest);
  cv::max(out.red, out.green, out.lightest);
  cv::max(out.lightest, out.blue, out.lightest);
  cv::subtract(out.lightest, out.darkest, out.saturation);
  cv::Mat coloured;
  cv::compare(out.saturation, least_colour, coloured, cv::CMP_GT);
  if (cv::countNonZero(coloured) < least_share * static_cast<double>(coloured.total())) return std::nullopt;
  return out;
}

}  // namespace qrx::vision
