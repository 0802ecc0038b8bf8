#include "vision/search_steps.h"

#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "vision/deblur.h"
#include "vision/locate.h"
#include "vision/texture.h"

namespace qrx::vision {

cv::Mat shrunk(const cv::Mat& picture, int side) {
  const double scale = static_cast<double>(side) / std::max(picture.cols, picture.rows);
  if (scale >= 1) return picture;
  cv::Mat out;
  cv::resize(picture, out, cv::Size(), scale, scale, cv::INTER_AREA);
  return out;
}

void read_stretched(Search& search, const cv::Mat& gray, double by, double other, const LocateEffort& effort) {
  for (const bool wider : {true, false}) {
    if (search.done()) return;
    cv::Mat out;
    cv::resize(gray, out, cv::Size(), wider ? by : other, wider ? other : by, cv::INTER_LINEAR);
    locate_and_read(search, out, effort);
  }
}

void read_parts(Search& search, std::size_t most, double by, double blur, const LocateEffort& effort) {
  const cv::Mat& gray = search.gray();
  for (const cv::Rect& part : patterned_parts(gray, most)) {
    const Search::View view(
        search, {static_cast<double>(part.x) / gray.cols, static_cast<double>(part.y) / gray.rows,
                 static_cast<double>(part.width) / gray.cols, static_cast<double>(part.height) / gray.rows});
    cv::Mat wide, large;
    if (blur > 0)
      cv::GaussianBlur(gray(part), wide, cv::Size(), blur);
    else
      wide = gray(part);
    // Each part by its own contrast: a code in a dark corner has little.
    cv::normalize(wide, wide, 0, 255, cv::NORM_MINMAX);
    cv::resize(wide, large, cv::Size(), by, by, cv::INTER_CUBIC);
    if (!search.read(large)) locate_and_read(search, large, effort);
    if (search.done()) return;
  }
}

namespace {

// What each one brings and costs was measured on a thousand labelled pictures; parameters stand where they are used.

void plain(Search& search) {
  search.read(search.gray());
}

void inverted(Search& search) {
  search.read(255 - search.gray());
}

// Front cameras and calls show codes as in a mirror. ZXing reads about half of those as they are.
void mirrored(Search& search) {
  cv::Mat out;
  cv::flip(search.at_most(1600), out, 1);
  // Found places are shares of the picture as it was: from right to left.
  const Search::View view(search, {1, 0, -1, 1});
  search.read(out);
}

// Colours that differ in hue and are equally light. The likelier first, as measured on codes in 23 pairs of colours;
// those of the other polarity bring nothing.
void colours(Search& search) {
  const Planes* planes = search.planes();
  if (!planes) return;
  for (const cv::Mat& plane : {cv::Mat(255 - planes->saturation), cv::Mat(255 - planes->lightest), planes->darkest,
                               cv::Mat(255 - planes->blue), planes->saturation}) {
    if (search.done()) return;
    search.read(plane);
  }
}

void blur(Search& search, double sigma) {
  cv::Mat out;
  cv::GaussianBlur(search.at_most(1600), out, cv::Size(), sigma);
  search.read(out);
}

// Seams between the glyphs of a terminal, and noise: what is one module must become one area.
// A blur of two pixels: seams of one vanish in it.
void gauss2(Search& search) {
  blur(search, 2);
}
void gauss35(Search& search) {
  blur(search, 3.5);
}
// Salt and pepper: a median keeps edges where a blur softens them.
void median5(Search& search) {
  cv::Mat out;
  cv::medianBlur(search.at_most(1600), out, 5);
  search.read(out);
}

// One threshold for the whole of a small copy: a dark picture with noise has no local contrast to go by.
void small_global(Search& search) {
  search.read(search.at_most(640), Threshold::global);
}

// Glare: stretches the light half, where paper under a lamp is told from the ink in it.
// Gamma 2.5
void gamma25(Search& search) {
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i)
    table.at<std::uint8_t>(i) = cv::saturate_cast<std::uint8_t>(std::pow(i / 255.0, 2.5) * 255);
  cv::Mat out;
  cv::LUT(search.at_most(1000), table, out);
  search.read(out, Threshold::global);
}

void adaptive(Search& search, int block, double offset) {
  cv::Mat out;
  // 35 pixels: a few modules. 251: a quarter of the picture, for shadows with soft edges.
  cv::adaptiveThreshold(search.at_most(1000), out, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY, block, offset);
  search.read(out, Threshold::fixed);
}

void adaptive_small(Search& search) {
  adaptive(search, 35, 7);
}
void adaptive_large(Search& search) {
  adaptive(search, 251, 5);
}

void unsharp(Search& search) {
  search.read(sharpened(search.at_most(1000)));
}

// Contrast-limited adaptive histogram equalisation (Zuiderveld 1994): 8 by 8 tiles, at most three times the contrast.
void clahe(Search& search) {
  cv::Mat out;
  cv::createCLAHE(3, cv::Size(8, 8))->apply(search.at_most(1600), out);
  search.read(out);
}

void scaled(Search& search, const cv::Mat& gray, double x, double y, int interpolation) {
  cv::Mat out;
  cv::resize(gray, out, cv::Size(), x, y, interpolation);
  search.read(out);
}

// A code seen from the side.
void squeeze(Search& search) {
  const cv::Mat& gray = search.at_most(1000);
  if (std::min(gray.cols, gray.rows) < 40) return;
  // Narrower in one direction: modules become square again.
  scaled(search, gray, 0.6, 1, cv::INTER_AREA);
  if (!search.done()) scaled(search, gray, 1, 0.6, cv::INTER_AREA);
}

// Modules of a pixel or two.
void enlarge(Search& search) {
  const int longest = std::max(search.gray().cols, search.gray().rows);
  if (longest <= 2000) scaled(search, search.gray(), 1.5, 1.5, cv::INTER_CUBIC);
  // Enlarged by cubic interpolation: readers need three pixels a module.
  if (longest <= 1600 && !search.done()) scaled(search, search.gray(), 2, 2, cv::INTER_CUBIC);
}

// Finders of a few pixels have no outline: a picture below half of the size is doubled.
cv::Mat sized(Search& search, int side) {
  const cv::Mat& gray = search.at_most(side);
  if (2 * std::max(gray.cols, gray.rows) > side) return gray;
  cv::Mat out;
  cv::resize(gray, out, cv::Size(), 2, 2, cv::INTER_CUBIC);
  return out;
}

void locate1000(Search& search) {
  locate_and_read(search, sized(search, 1000));
}
void locate1600(Search& search) {
  if (std::max(search.gray().cols, search.gray().rows) > 1000) locate_and_read(search, sized(search, 1600));
}
// Soft pictures, and prints whose ink ran: finders and modules that touch come apart.
void locate_sharp1000(Search& search) {
  locate_and_read(search, sharpened(search.at_most(1000)));
}
void locate_sharp1600(Search& search) {
  if (std::max(search.gray().cols, search.gray().rows) > 1000) locate_and_read(search, sharpened(search.at_most(1600)));
}
void locate_inverted(Search& search) {
  locate_and_read(search, 255 - sized(search, 1000));
}

void colours_located(Search& search) {
  const Planes* planes = search.planes();
  if (!planes) return;
  for (const cv::Mat& plane : {planes->saturation, cv::Mat(255 - planes->lightest), planes->darkest}) {
    if (search.done()) return;
    locate_and_read(search, shrunk(plane, 1000));
  }
}

void stretched2(Search& search) {
  read_stretched(search, search.at_most(1000), 2, 1, usual_effort);
}

void parts_doubled(Search& search) {
  if (std::max(search.gray().cols, search.gray().rows) > 1600) read_parts(search, 8, 2, 0, usual_effort);
}

// A camera in a hand.
void unsmeared(Search& search) {
  const cv::Mat& gray = search.at_most(1000);
  const auto direction = smear_direction(gray);
  if (!direction) return;
  const Unsmear unsmear(gray);
  // In pixels at 1000 a side; between them the filter is near enough.
  for (const double pixels : {6.0, 10.0, 14.0}) {
    const cv::Mat sharp = unsmear(pixels, *direction);
    if (search.read(sharp) || search.done()) return;
  }
}

}  // namespace

// In the order that reads most pictures soonest.
std::span<const SearchStep> photograph_steps() {
  static constexpr std::array steps = {SearchStep{"plain", plain},
                                       SearchStep{"small-global", small_global},
                                       SearchStep{"gamma2.5", gamma25},
                                       SearchStep{"inverted", inverted},
                                       SearchStep{"locate1000", locate1000},
                                       SearchStep{"adaptive35", adaptive_small},
                                       SearchStep{"unsharp", unsharp},
                                       SearchStep{"clahe", clahe},
                                       SearchStep{"mirrored", mirrored},
                                       SearchStep{"colours", colours},
                                       SearchStep{"squeeze", squeeze},
                                       SearchStep{"adaptive251", adaptive_large},
                                       SearchStep{"enlarge", enlarge},
                                       SearchStep{"gauss2", gauss2},
                                       SearchStep{"parts", parts_doubled},
                                       SearchStep{"locate1600", locate1600},
                                       SearchStep{"locate-sharp", locate_sharp1000},
                                       SearchStep{"locate-sharp1600", locate_sharp1600},
                                       SearchStep{"stretched", stretched2},
                                       SearchStep{"unsmeared", unsmeared},
                                       SearchStep{"locate-inverted", locate_inverted},
                                       SearchStep{"colours-located", colours_located}};
  return steps;
}

// Terminals first: seams between their glyphs (gauss), themes with light on dark.
std::span<const SearchStep> screenshot_steps() {
  static constexpr std::array steps = {SearchStep{"plain", plain},
                                       SearchStep{"inverted", inverted},
                                       SearchStep{"gauss2", gauss2},
                                       SearchStep{"colours", colours},
                                       SearchStep{"gauss3.5", gauss35},
                                       SearchStep{"median5", median5},
                                       SearchStep{"small-global", small_global},
                                       SearchStep{"gamma2.5", gamma25},
                                       SearchStep{"locate1000", locate1000},
                                       SearchStep{"adaptive35", adaptive_small},
                                       SearchStep{"unsharp", unsharp},
                                       SearchStep{"clahe", clahe},
                                       SearchStep{"mirrored", mirrored},
                                       SearchStep{"squeeze", squeeze},
                                       SearchStep{"adaptive251", adaptive_large},
                                       SearchStep{"enlarge", enlarge},
                                       SearchStep{"parts", parts_doubled},
                                       SearchStep{"locate1600", locate1600},
                                       SearchStep{"locate-sharp", locate_sharp1000},
                                       SearchStep{"locate-sharp1600", locate_sharp1600},
                                       SearchStep{"stretched", stretched2},
                                       SearchStep{"locate-inverted", locate_inverted},
                                       SearchStep{"colours-located", colours_located}};
  return steps;
}

}  // namespace qrx::vision
