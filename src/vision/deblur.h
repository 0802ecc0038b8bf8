// Makes a picture sharper: its edges stronger, or the smear of a moving camera taken out. Private to src/vision.
#pragma once

#include <optional>

#include <opencv2/core/mat.hpp>

namespace qrx::vision {

// The direction of the smear, radians; nothing when the edges say that there is none. A symbol has as many edges across
// as down, however it is turned: where those along one direction are missing, that is where it moved.
std::optional<double> smear_direction(const cv::Mat& gray);

// gray (8 bit) with its edges made stronger.
cv::Mat sharpened(const cv::Mat& gray);

// gray, with a smear of so many pixels in this direction undone (Wiener's filter). gray: 8 bit, at most some 700 pixels
// a side, as it takes three Fourier transforms.
class Unsmear {
 public:
  explicit Unsmear(const cv::Mat& gray);
  cv::Mat operator()(double pixels, double direction) const;

 private:
  cv::Size size_;
  cv::Size padded_;
  cv::Mat spectrum_;
};

}  // namespace qrx::vision
