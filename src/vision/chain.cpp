// The steps, cheap to costly. What each one brings and costs was measured on a thousand labelled pictures; parameters
// stand where they are used.
#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "vision/deblur.h"
#include "vision/hunt.h"
#include "vision/locate.h"
#include "vision/texture.h"

namespace qrx {
namespace {

void plain(Hunt& hunt) {
  hunt.read(hunt.gray());
}

void inverted(Hunt& hunt) {
  hunt.read(255 - hunt.gray());
}

// Front cameras and calls show codes as in a mirror. ZXing reads about half of those as they are.
void mirrored(Hunt& hunt) {
  cv::Mat out;
  cv::flip(hunt.at_most(1600), out, 1);
  const Hunt::View view(hunt, {1, 0, -1, 1});
  hunt.read(out);
}

// Colours that differ in hue and are equally light. The likelier first, as measured on codes in 23 pairs of colours;
// those of the other polarity bring nothing.
void colours(Hunt& hunt) {
  const Planes* planes = hunt.planes();
  if (!planes) return;
  for (const cv::Mat& plane : {cv::Mat(255 - planes->saturation), cv::Mat(255 - planes->lightest), planes->darkest,
                               cv::Mat(255 - planes->blue), planes->saturation}) {
    if (hunt.over()) return;
    hunt.read(plane);
  }
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

cv::Mat shrunk(const cv::Mat& picture, int side) {
  const double scale = static_cast<double>(side) / std::max(picture.cols, picture.rows);
  if (scale >= 1) return picture;
  cv::Mat out;
  cv::resize(picture, out, cv::Size(), scale, scale, cv::INTER_AREA);
  return out;
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

void colours_located(Hunt& hunt) {
  const Planes* planes = hunt.planes();
  if (!planes) return;
  for (const cv::Mat& plane : {planes->saturation, cv::Mat(255 - planes->lightest), planes->darkest}) {
    if (hunt.over()) return;
    locate_and_read(hunt, shrunk(plane, 1000));
  }
}

// A code seen from so flat that its finders are no squares any more.
void stretched(Hunt& hunt, int side, double by, double other) {
  for (const bool wider : {true, false}) {
    if (hunt.over()) return;
    cv::Mat out;
    cv::resize(hunt.at_most(side), out, cv::Size(), wider ? by : other, wider ? other : by, cv::INTER_LINEAR);
    locate_and_read(hunt, out);
  }
}
void stretched2(Hunt& hunt) {
  stretched(hunt, 1000, 2, 1);
}
void stretched3(Hunt& hunt) {
  stretched(hunt, 640, 3, 1.5);
}

// A small symbol in a large picture: the steps above see it with modules of a pixel. What is patterned like a symbol is
// cut out as it is, and enlarged.
void parts(Hunt& hunt, std::size_t most, double by, double blur) {
  const cv::Mat& gray = hunt.gray();
  for (const cv::Rect& part : patterned_parts(gray, most)) {
    const Hunt::View view(hunt,
                          {static_cast<double>(part.x) / gray.cols, static_cast<double>(part.y) / gray.rows,
                           static_cast<double>(part.width) / gray.cols, static_cast<double>(part.height) / gray.rows});
    cv::Mat wide, large;
    if (blur > 0)
      cv::GaussianBlur(gray(part), wide, cv::Size(), blur);
    else
      wide = gray(part);
    cv::normalize(wide, wide, 0, 255, cv::NORM_MINMAX);
    cv::resize(wide, large, cv::Size(), by, by, cv::INTER_CUBIC);
    if (!hunt.read(large)) locate_and_read(hunt, large);
    if (hunt.over()) return;
  }
}
void parts_doubled(Hunt& hunt) {
  if (std::max(hunt.gray().cols, hunt.gray().rows) > 1600) parts(hunt, 8, 2, 0);
}
void parts_tripled(Hunt& hunt) {
  parts(hunt, 12, 3, 0.8);
}

// For --thorough only: each costs much and brings little.
void locate_doubled(Hunt& hunt) {
  cv::Mat out;
  cv::resize(hunt.at_most(1280), out, cv::Size(), 2, 2, cv::INTER_CUBIC);
  locate_and_read(hunt, out);
}
void locate_whole(Hunt& hunt) {
  if (std::max(hunt.gray().cols, hunt.gray().rows) > 1600) locate_and_read(hunt, hunt.at_most(4000));
}
void locate_soft(Hunt& hunt) {
  for (const double sigma : {1.5, 3.0}) {
    if (hunt.over()) return;
    cv::Mat out;
    cv::GaussianBlur(hunt.at_most(1600), out, cv::Size(), sigma);
    locate_and_read(hunt, out);
  }
}
void channels(Hunt& hunt) {
  const Planes* planes = hunt.planes();
  if (!planes) return;
  for (const cv::Mat& plane : {planes->red, planes->green, planes->blue}) {
    for (const cv::Mat& one : {plane, cv::Mat(255 - plane)}) {
      if (hunt.over()) return;
      if (!hunt.read(one)) locate_and_read(hunt, shrunk(one, 1000));
    }
  }
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
                                       Step{"inverted", inverted},
                                       Step{"locate1000", locate1000},
                                       Step{"adaptive35", adaptive_small},
                                       Step{"unsharp", unsharp},
                                       Step{"clahe", clahe},
                                       Step{"mirrored", mirrored},
                                       Step{"colours", colours},
                                       Step{"squeeze", squeeze},
                                       Step{"adaptive251", adaptive_large},
                                       Step{"enlarge", enlarge},
                                       Step{"gauss2", gauss2},
                                       Step{"parts", parts_doubled},
                                       Step{"locate1600", locate1600},
                                       Step{"stretched", stretched2},
                                       Step{"unsmeared", unsmeared},
                                       Step{"locate-inverted", locate_inverted},
                                       Step{"colours-located", colours_located}};
  return steps;
}

std::span<const Step> screenshot_chain() {
  static constexpr std::array steps = {Step{"plain", plain},
                                       Step{"inverted", inverted},
                                       Step{"gauss2", gauss2},
                                       Step{"colours", colours},
                                       Step{"gauss3.5", gauss35},
                                       Step{"median5", median5},
                                       Step{"small-global", small_global},
                                       Step{"gamma2.5", gamma25},
                                       Step{"locate1000", locate1000},
                                       Step{"adaptive35", adaptive_small},
                                       Step{"unsharp", unsharp},
                                       Step{"clahe", clahe},
                                       Step{"mirrored", mirrored},
                                       Step{"squeeze", squeeze},
                                       Step{"adaptive251", adaptive_large},
                                       Step{"enlarge", enlarge},
                                       Step{"parts", parts_doubled},
                                       Step{"locate1600", locate1600},
                                       Step{"stretched", stretched2},
                                       Step{"locate-inverted", locate_inverted},
                                       Step{"colours-located", colours_located}};
  return steps;
}

std::span<const Step> thorough_chain() {
  static constexpr std::array steps = {Step{"locate-doubled", locate_doubled}, Step{"locate-whole", locate_whole},
                                       Step{"locate-soft", locate_soft},       Step{"stretched3", stretched3},
                                       Step{"parts-tripled", parts_tripled},   Step{"channels", channels}};
  return steps;
}

}  // namespace qrx
