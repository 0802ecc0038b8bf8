#include "vision/search_thorough.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "vision/deblur.h"

namespace qrx::vision {
namespace {

constexpr double pi = 3.14159265358979;

void read_greatly(Search& search, const cv::Mat& picture) {
  if (search.done() || search.read(picture) || search.done()) return;
  locate_and_read(search, picture, great_effort);
}

// The picture with its longer side so long, at most three times as large.
cv::Mat at_side(Search& search, int side) {
  const cv::Mat& gray = search.at_most(side);
  const double by = std::min(3.0, static_cast<double>(side) / std::max(gray.cols, gray.rows));
  if (by <= 1) return gray;
  cv::Mat out;
  cv::resize(gray, out, cv::Size(), by, by, cv::INTER_CUBIC);
  return out;
}

// The usual way, with more patience, and at sizes between.
void locate_great(Search& search) {
  for (const int side : {1000, 1600, 640, 1280, 2400}) read_greatly(search, at_side(search, side));
}
void locate_doubled(Search& search) {
  cv::Mat out;
  cv::resize(search.at_most(1280), out, cv::Size(), 2, 2, cv::INTER_CUBIC);
  read_greatly(search, out);
}
void locate_whole(Search& search) {
  if (std::max(search.gray().cols, search.gray().rows) > 2400) read_greatly(search, search.at_most(4000));
}
void locate_soft(Search& search) {
  for (const double sigma : {1.5, 3.0}) {
    if (search.done()) return;
    cv::Mat out;
    cv::GaussianBlur(search.at_most(1600), out, cv::Size(), sigma);
    read_greatly(search, out);
  }
}

// What a soft lens or a shake took from edges, given back more strongly than a picture for people would bear.
void sharpened_more(Search& search) {
  read_greatly(search, sharpened(at_side(search, 2000)));
  if (!search.done()) read_greatly(search, sharpened(sharpened(at_side(search, 1280))));
}

// What little contrast there is, stretched: everywhere by itself, then in the light, in the lightest, and in the dark.
void contrasts(Search& search) {
  const cv::Mat gray = at_side(search, 1280);
  cv::Mat out;
  cv::createCLAHE(8, cv::Size(16, 16))->apply(gray, out);
  read_greatly(search, out);
  for (const double gamma : {2.5, 5.0, 0.4}) {
    if (search.done()) return;
    cv::Mat table(1, 256, CV_8U);
    for (int i = 0; i < 256; ++i)
      table.at<std::uint8_t>(i) = cv::saturate_cast<std::uint8_t>(std::pow(i / 255.0, gamma) * 255);
    cv::LUT(gray, table, out);
    read_greatly(search, out);
  }
}

// Light that changes over the paper: each pixel in shares of the lightest around it, and then by how far it is from the
// mean around it in shares of what is usual there.
void evened(Search& search) {
  const cv::Mat gray = at_side(search, 1280);
  const int window = std::max(gray.cols, gray.rows) / 12 | 1;
  cv::Mat paper, even;
  cv::dilate(gray, paper, cv::Mat::ones(window, window, CV_8U));
  cv::GaussianBlur(paper, paper, cv::Size(), window / 2.0);
  cv::divide(gray, paper, even, 255);
  read_greatly(search, even);
  if (search.done()) return;
  const double sigma = std::max(gray.cols, gray.rows) / 40.0;
  cv::Mat level, mean, spread;
  gray.convertTo(level, CV_32F);
  cv::GaussianBlur(level, mean, cv::Size(), sigma);
  level -= mean;
  cv::GaussianBlur(level.mul(level), spread, cv::Size(), sigma);
  cv::sqrt(spread, spread);
  // 6: where there is nothing but noise it stays small.
  cv::divide(level, spread + 6, level);
  level.convertTo(even, CV_8U, 64, 128);
  read_greatly(search, even);
  if (!search.done()) read_greatly(search, 255 - even);
}

// Lines through a symbol, and rings that are torn or grown together.
void mended(Search& search) {
  const cv::Mat gray = at_side(search, 1280);
  for (const int pixels : {3, 7}) {
    for (const int how : {cv::MORPH_CLOSE, cv::MORPH_OPEN}) {
      if (search.done()) return;
      cv::Mat out;
      cv::morphologyEx(gray, out, how, cv::Mat::ones(pixels, pixels, CV_8U));
      read_greatly(search, out);
    }
  }
}

cv::Mat turned(const cv::Mat& gray, double degrees) {
  const double c = std::abs(std::cos(degrees * pi / 180)), s = std::abs(std::sin(degrees * pi / 180));
  const cv::Size size(cvCeil(gray.cols * c + gray.rows * s), cvCeil(gray.cols * s + gray.rows * c));
  const cv::Point2f middle(static_cast<float>(gray.cols) / 2, static_cast<float>(gray.rows) / 2);
  cv::Mat matrix = cv::getRotationMatrix2D(middle, degrees, 1), out;
  matrix.at<double>(0, 2) += (size.width - gray.cols) / 2.0;
  matrix.at<double>(1, 2) += (size.height - gray.rows) / 2.0;
  cv::warpAffine(gray, out, matrix, size, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return out;
}

// Seen from so flat, also along the diagonals.
void stretched_more(Search& search) {
  read_stretched(search, search.at_most(640), 3, 1.5, great_effort);
  if (!search.done()) read_stretched(search, turned(search.at_most(1000), 45), 2, 1, great_effort);
}

void parts_tripled(Search& search) {
  read_parts(search, 16, 2, 0, great_effort);
  if (search.done()) return;
  read_parts(search, 12, 3, 0.8, great_effort);
}

// Moved, in whatever direction and however far: where other edges are in the picture they hide the direction.
void unsmeared_all(Search& search) {
  const Unsmear unsmear(search.at_most(700));
  for (int direction = 0; direction < 8; ++direction)
    for (const double pixels : {5.0, 8.0, 12.0}) {
      if (search.done()) return;
      read_greatly(search, unsmear(pixels, direction * pi / 8));
    }
}

void channels(Search& search) {
  const Planes* planes = search.planes();
  if (!planes) return;
  for (const cv::Mat& plane : {planes->red, planes->green, planes->blue}) {
    for (const cv::Mat& one : {plane, cv::Mat(255 - plane)}) {
      if (search.done()) return;
      if (!search.read(one)) locate_and_read(search, shrunk(one, 1000), great_effort);
    }
  }
}

}  // namespace

std::span<const SearchStep> thorough_steps() {
  static constexpr std::array steps = {SearchStep{"contrasts", contrasts},
                                       SearchStep{"sharpened-more", sharpened_more},
                                       SearchStep{"locate-great", locate_great},
                                       SearchStep{"locate-doubled", locate_doubled},
                                       SearchStep{"locate-whole", locate_whole},
                                       SearchStep{"locate-soft", locate_soft},
                                       SearchStep{"stretched-more", stretched_more},
                                       SearchStep{"evened", evened},
                                       SearchStep{"mended", mended},
                                       SearchStep{"parts-tripled", parts_tripled},
                                       SearchStep{"unsmeared-all", unsmeared_all},
                                       SearchStep{"channels", channels}};
  return steps;
}

}  // namespace qrx::vision
