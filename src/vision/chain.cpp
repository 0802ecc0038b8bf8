// The steps, cheap to costly. What each one brings and costs was measured on a thousand labelled pictures; parameters
// stand where they are used.
#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "vision/deblur.h"
#include "vision/hunt.h"
#include "vision/locate.h"

namespace qrx {
namespace {

void plain(Hunt& hunt) {
  hunt.read(hunt.gray());
}

void inverted(Hunt& hunt) {
  hunt.read(255 - hunt.gray());
}

void blur(Hunt& hunt, double sigma) {
  cv::Mat out;
  cv::GaussianBlur(hunt.at_most(1600), out, cv::Size(), sigma);
  hunt.read(out);
}

// Seams between the glyphs of a terminal, and noise: what is one module must become one area.
void gauss2(Hunt& hunt) {
  blur(hunt, 2);
}
void gauss35(Hunt& hunt) {
  blur(hunt, 3.5);
}
void median5(Hunt& hunt) {
  cv::Mat out;
  cv::medianBlur(hunt.at_most(1600), out, 5);
  hunt.read(out);
}

void small_global(Hunt& hunt) {
  hunt.read(hunt.at_most(640), Threshold::global);
}

// Glare: stretches the light half, where paper under a lamp is told from the ink in it.
void gamma25(Hunt& hunt) {
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i)
    table.at<std::uint8_t>(i) = cv::saturate_cast<std::uint8_t>(std::pow(i / 255.0, 2.5) * 255);
  cv::Mat out;
  cv::LUT(hunt.at_most(1000), table, out);
  hunt.read(out, Threshold::global);
}

void adaptive(Hunt& hunt, int block, double offset) {
  cv::Mat out;
  cv::adaptiveThreshold(hunt.at_most(1000), out, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY, block, offset);
  hunt.read(out, Threshold::fixed);
}

void adaptive_small(Hunt& hunt) {
  adaptive(hunt, 35, 7);
}
void adaptive_large(Hunt& hunt) {
  adaptive(hunt, 251, 5);
}

void unsharp(Hunt& hunt) {
  const cv::Mat& gray = hunt.at_most(1000);
  cv::Mat soft, out;
  cv::GaussianBlur(gray, soft, cv::Size(), 3);
  cv::addWeighted(gray, 3, soft, -2, 0, out);
  hunt.read(out);
}

void clahe(Hunt& hunt) {
  cv::Mat out;
  cv::createCLAHE(3, cv::Size(8, 8))->apply(hunt.at_most(1600), out);
  hunt.read(out);
}

void scaled(Hunt& hunt, const cv::Mat& gray, double x, double y, int interpolation) {
  cv::Mat out;
  cv::resize(gray, out, cv::Size(), x, y, interpolation);
  hunt.read(out);
}

// A code seen from the side.
void squeeze(Hunt& hunt) {
  const cv::Mat& gray = hunt.at_most(1000);
  if (std::min(gray.cols, gray.rows) < 40) return;
  scaled(hunt, gray, 0.6, 1, cv::INTER_AREA);
  if (!hunt.over()) scaled(hunt, gray, 1, 0.6, cv::INTER_AREA);
}

// Modules of a pixel or two.
void enlarge(Hunt& hunt) {
  const int longest = std::max(hunt.gray().cols, hunt.gray().rows);
  if (longest <= 2000) scaled(hunt, hunt.gray(), 1.5, 1.5, cv::INTER_CUBIC);
  if (longest <= 1600 && !hunt.over()) scaled(hunt, hunt.gray(), 2, 2, cv::INTER_CUBIC);
}

// Finders of a few pixels have no outline: a picture below half of the size is doubled.
cv::Mat sized(Hunt& hunt, int side) {
  const cv::Mat& gray = hunt.at_most(side);
  if (2 * std::max(gray.cols, gray.rows) > side) return gray;
  cv::Mat out;
  cv::resize(gray, out, cv::Size(), 2, 2, cv::INTER_CUBIC);
  return out;
}

void locate1000(Hunt& hunt) {
  locate_and_read(hunt, sized(hunt, 1000));
}
void locate1600(Hunt& hunt) {
  if (std::max(hunt.gray().cols, hunt.gray().rows) > 1000) locate_and_read(hunt, sized(hunt, 1600));
}
void locate_inverted(Hunt& hunt) {
  locate_and_read(hunt, 255 - sized(hunt, 1000));
}

// A camera in a hand.
void unsmeared(Hunt& hunt) {
  const cv::Mat& gray = hunt.at_most(1000);
  const auto direction = smear_direction(gray);
  if (!direction) return;
  const Unsmear unsmear(gray);
  for (const double pixels : {6.0, 10.0, 14.0}) {
    const cv::Mat sharp = unsmear(pixels, *direction);
    if (hunt.read(sharp) || hunt.over()) return;
  }
}

}  // namespace

std::span<const Step> chain() {
  static constexpr std::array steps = {Step{"plain", plain},
                                       Step{"small-global", small_global},
                                       Step{"gamma2.5", gamma25},
                                       Step{"adaptive35", adaptive_small},
                                       Step{"unsharp", unsharp},
                                       Step{"clahe", clahe},
                                       Step{"inverted", inverted},
                                       Step{"squeeze", squeeze},
                                       Step{"adaptive251", adaptive_large},
                                       Step{"enlarge", enlarge},
                                       Step{"gauss2", gauss2},
                                       Step{"locate1000", locate1000},
                                       Step{"locate1600", locate1600},
                                       Step{"unsmeared", unsmeared},
                                       Step{"locate-inverted", locate_inverted}};
  return steps;
}

std::span<const Step> screenshot_chain() {
  static constexpr std::array steps = {Step{"plain", plain},           Step{"inverted", inverted},
                                       Step{"gauss2", gauss2},         Step{"gauss3.5", gauss35},
                                       Step{"median5", median5},       Step{"small-global", small_global},
                                       Step{"gamma2.5", gamma25},      Step{"adaptive35", adaptive_small},
                                       Step{"unsharp", unsharp},       Step{"clahe", clahe},
                                       Step{"squeeze", squeeze},       Step{"adaptive251", adaptive_large},
                                       Step{"enlarge", enlarge},       Step{"locate1000", locate1000},
                                       Step{"locate1600", locate1600}, Step{"locate-inverted", locate_inverted}};
  return steps;
}

}  // namespace qrx
